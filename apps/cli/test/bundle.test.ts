import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { rolldown } from "rolldown"
import { expect, it } from "vitest"
import { command } from "../rolldown.config.ts"

/** Each of the others takes milliseconds to load: it belongs to `heavyParts`, or is imported where it is needed. */
const light = new Set(["buffer", "fs", "module", "os", "path", "process", "sqlite", "url", "util", "vm"])

it("parts of Node that take long to load are loaded when they are first used", async () => {
  const directory = fs.mkdtempSync(join(tmpdir(), "cryopod-bundle-"))
  try {
    const bundle = await rolldown(command)
    await bundle.write({ ...command.output, dir: directory })
    await bundle.close()
    const loaded = fs
      .readdirSync(directory)
      .filter((name) => name.endsWith(".cjs"))
      .flatMap((name) => {
        const code = fs.readFileSync(join(directory, name), "utf8")
        return Array.from(code.matchAll(/=require\("node:([\w/]+)"\)/g), ([, part]) => part)
      })
    expect(loaded).toContain("fs")
    expect(loaded.filter((part) => !light.has(part ?? ""))).toEqual([])
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
})
