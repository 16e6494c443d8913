/** 1 GiB out of a service and into it: neither side ever holds much of it. */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { eventually, nodeProgram, project, runCommand } from "./support/Host.ts"

const part = (...args: ReadonlyArray<string>): readonly [string, ...Array<string>] => [
  nodeProgram,
  "--conditions=cryopod-source",
  join(project, "test/real/support/transferSize.ts"),
  ...args,
]

const most = 300 * 2 ** 20
let directory = ""
beforeAll(() => {
  directory = fs.mkdtempSync("/var/tmp/cryopod-transfer.")
})
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

it("exports and imports 1 GiB over a Unix socket within 300 MiB on each side", async () => {
  const socket = join(directory, "engine.sock")
  const [file, ...words] = part("service", socket)
  const service = spawn(file, words, { stdio: ["ignore", "pipe", "inherit"] })
  let said = ""
  service.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()))
  await eventually(async () => (fs.existsSync(socket) ? true : undefined), "the service", 60)
  for (const way of ["export", "import"]) {
    const { stderr, stdout } = await runCommand(part(way, socket))
    expect(stderr).toBe("")
    const moved = JSON.parse(stdout) as { readonly bytes: number; readonly peakBytes: number }
    expect([way, moved.bytes]).toEqual([way, 2 ** 30])
    expect(moved.peakBytes).toBeLessThan(most)
  }
  const ended = new Promise((resolve) => service.once("close", resolve))
  service.kill("SIGTERM")
  await ended
  expect(Number(said)).toBeGreaterThan(0)
  expect(Number(said)).toBeLessThan(most)
})
