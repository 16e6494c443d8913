import { execFile } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { rolldown } from "rolldown"
import { afterAll, beforeAll, expect, it } from "vitest"
import { command } from "../rolldown.config.ts"

/** Each of the others takes milliseconds to load: it belongs to `heavyParts`, or is imported where it is needed. */
const light = new Set(["buffer", "fs", "module", "os", "path", "process", "sqlite", "url", "util", "vm"])

const directory = fs.mkdtempSync(join(tmpdir(), "cryopod-bundle-"))
beforeAll(async () => {
  const bundle = await rolldown(command)
  await bundle.write({ ...command.output, dir: directory })
  await bundle.close()
})
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

it("parts of Node that take long to load are loaded when they are first used", () => {
  const loaded = fs
    .readdirSync(directory)
    .filter((name) => name.endsWith(".cjs"))
    .flatMap((name) => {
      const code = fs.readFileSync(join(directory, name), "utf8")
      return Array.from(code.matchAll(/=\w+\("node:([\w/]+)"\)/g), ([, part]) => part)
    })
  expect(loaded).toContain("fs")
  expect(loaded.filter((part) => !light.has(part ?? ""))).toEqual([])
})

/** A service that has made whatever volume it is asked for. */
const service = createServer((request, response) => {
  const volume = {
    Name: "made",
    Driver: "local",
    Mountpoint: "/made",
    CreatedAt: "2026-01-01T00:00:00Z",
    Scope: "local",
  }
  const ping = request.url?.endsWith("/_ping") === true
  response.writeHead(ping ? 200 : 201, {
    "content-type": ping ? "text/plain" : "application/json",
    "libpod-api-version": "5.4.2",
  })
  response.end(ping ? "OK" : JSON.stringify(volume))
})

it("a command for a service on this machine loads neither fetch nor encryption", async () => {
  const socket = join(directory, "service.sock")
  const said = join(directory, "loaded")
  const hook = join(directory, "hook.cjs")
  fs.writeFileSync(
    hook,
    `process.on("exit", () => require("fs").writeFileSync(${JSON.stringify(said)}, process.moduleLoadList.join("\\n")))`,
  )
  await once(service.listen(socket), "listening")
  try {
    const words = ["--require", hook, join(directory, "main.cjs"), "--url", `unix://${socket}`, "volume", "create"]
    const { stdout } = await promisify(execFile)(process.execPath, words)
    expect(stdout).toBe("made\n")
  } finally {
    service.close()
  }
  const loaded = fs.readFileSync(said, "utf8").split("\n")
  expect(loaded).toContain("NativeModule http")
  expect(loaded.filter((name) => /undici|NativeModule (tls|https|http2|crypto)$/.test(name))).toEqual([])
})
