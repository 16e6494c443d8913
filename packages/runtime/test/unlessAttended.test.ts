import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { processStart } from "../src/index.ts"
import { unlessAttended } from "../src/unlessAttended.ts"

const directory = fs.mkdtempSync(join(tmpdir(), "cryopod-attended-"))
const [attended, done] = [join(directory, "attended"), join(directory, "a file that is made")]
afterAll(() => fs.rmSync(directory, { recursive: true }))

const ended = (): ChildProcess => {
  fs.rmSync(done, { force: true })
  return spawn("/bin/sh", ["-c", unlessAttended, attended, "touch", done], { stdio: ["ignore", "ignore", "pipe"] })
}
/** Whether the words were run, once the shell has ended without complaint. */
const ran = async (shell: ChildProcess): Promise<boolean> => {
  let complaint = ""
  shell.stderr?.on("data", (text: Buffer) => (complaint += text.toString()))
  expect([await once(shell, "close"), complaint]).toEqual([[0, null], ""])
  return fs.existsSync(done)
}
/** Longer than the shell waits between two looks. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 350))
const names = (pid: number | undefined, start: string | undefined) => fs.writeFileSync(attended, `${pid} ${start}\n`)

it("nobody attends: the words are run", async () => {
  expect(await ran(ended())).toBe(true)
})

it.each([
  ["a process that is gone", "4194305 77\n"],
  ["another process with its pid", `${process.pid} 77\n`],
  ["nobody", ""],
  ["nothing that could be meant", "not a pid\n"],
])("the file names %s: the words are run", async (_, content) => {
  fs.writeFileSync(attended, content)
  expect(await ran(ended())).toBe(true)
})

it("who attends is waited for, and then there is nothing to do", async () => {
  names(process.pid, processStart(process.pid))
  const shell = ended()
  await aWhile()
  expect(shell.exitCode).toBe(null)
  fs.rmSync(attended)
  expect(await ran(shell)).toBe(false)
})

it("who attends cannot do it, and says so: the words are run", async () => {
  names(process.pid, processStart(process.pid))
  const shell = ended()
  await aWhile()
  fs.truncateSync(attended)
  expect(await ran(shell)).toBe(true)
})

it("who attends is killed, and nobody has waited for it yet: the words are run", async () => {
  // its parent stops before it could
  const parent = spawn("/bin/sh", ["-c", "sleep 1000 & echo $!; kill -STOP $$"], {
    stdio: ["ignore", "pipe", "ignore"],
  })
  const pid = Number((await once(parent.stdout, "data")).toString())
  names(pid, processStart(pid))
  const shell = ended()
  await aWhile()
  expect(shell.exitCode).toBe(null)
  process.kill(pid, "SIGKILL")
  expect(await ran(shell)).toBe(true)
  expect(fs.readFileSync(`/proc/${pid}/stat`, "utf8")).toContain(") Z ")
  parent.kill("SIGKILL")
})
