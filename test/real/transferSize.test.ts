/** 1 GiB out of a service and into it: neither side ever holds much of it. */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { builtProgram, eventually, nodeProgram, programWords, project, runCommand } from "./support/Host.ts"

const most = 300 * 2 ** 20
let directory = ""
beforeAll(() => {
  directory = fs.mkdtempSync("/var/tmp/cryopod-transfer.")
})
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

it("exports and imports 1 GiB over a Unix socket within 300 MiB on each side", async () => {
  const socket = join(directory, "engine.sock")
  const archive = join(directory, "archive.tar")
  const service = spawn(nodeProgram, [join(project, "test/real/support/transferSize.ts"), socket], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  let said = ""
  service.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()))
  const ended = new Promise((resolve) => service.once("close", resolve))
  const client = (...words: ReadonlyArray<string>) =>
    runCommand([...programWords(builtProgram), "--url", `unix://${socket}`, "container", ...words])
  try {
    await eventually(async () => (fs.existsSync(socket) ? true : undefined), "the service", 60)
    const exported = await client("checkpoint", "--compress", "none", "--export", archive, "web")
    expect(exported).toMatchObject({ status: 0, stderr: "" })
    expect(fs.statSync(archive).size).toBe(2 ** 30)
    const imported = await client("restore", "--import", archive)
    expect(imported).toMatchObject({ status: 0, stderr: "", stdout: `${2 ** 30}\n` })
    for (const { peakBytes } of [exported, imported]) {
      expect(peakBytes).toBeGreaterThan(0)
      expect(peakBytes).toBeLessThan(most)
    }
  } finally {
    service.kill("SIGTERM")
    await ended
  }
  expect(Number(said)).toBeGreaterThan(0)
  expect(Number(said)).toBeLessThan(most)
})
