/** Run a command and measure it. */
import { spawn } from "node:child_process"
import { readFileSync, rmSync } from "node:fs"

export interface Sample {
  readonly seconds: number
  /** Largest resident memory of the program itself, without the programs that it starts. */
  readonly peakBytes?: number
}

export interface Ran extends Sample {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** How often a program's high-water mark is read; it never falls, so the last reading counts. */
const samplingMillis = 15

export const run = ([file, ...args]: readonly [string, ...ReadonlyArray<string>]): Promise<Ran> =>
  new Promise((resolve, reject) => {
    let stdout = ""
    let stderr = ""
    let peakBytes = 0
    const began = performance.now()
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] })
    let seconds = 0
    const sampling = setInterval(() => {
      peakBytes = Math.max(peakBytes, highWater(child.pid ?? 0))
    }, samplingMillis)
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")))
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")))
    child.once("error", reject)
    child.once("exit", () => (seconds = (performance.now() - began) / 1000))
    child.once("close", (code) => {
      clearInterval(sampling)
      resolve({ status: code ?? 255, stdout, stderr, seconds, peakBytes })
    })
  })

/** A command that must succeed. */
export const runOk = async (words: readonly [string, ...ReadonlyArray<string>]): Promise<Ran> => {
  const ran = await run(words)
  if (ran.status === 0) return ran
  throw new Error(`${words.join(" ")}: status ${ran.status}\n${ran.stdout}${ran.stderr}`)
}

const highWater = (pid: number): number => {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

/** What programs take for themselves, in MiB. */
const forPrograms = 256

/**
 * Before something is measured: nothing waits for the disk, and so much memory is there. A virtual machine gives what is free
 * back to its host and gets it again page by page, which whoever comes next would pay for. `mebibytes` is what is written, beside the programs.
 */
export const settled = async (mebibytes: number): Promise<void> => {
  await runOk(["sync"])
  const file = `/dev/shm/cryopod-bench-${process.pid}`
  try {
    await runOk(["dd", "if=/dev/zero", `of=${file}`, "bs=1M", `count=${mebibytes + forPrograms}`])
  } finally {
    rmSync(file, { force: true })
  }
}

/** Ask again until there is an answer. */
export const eventually = async (what: string, ask: () => Promise<boolean>, seconds = 60): Promise<void> => {
  const deadline = performance.now() + seconds * 1000
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`waited ${seconds} s for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
