/**
 * A host for tests: a cryopod with state and a network of its own, on this machine's cgroups or with a layout of its own.
 * Everything a test leaves behind is removed, whatever became of the test.
 */
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { nodeFlags } from "../../../apps/cli/rolldown.config.ts"

export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
  /** Largest resident memory that was seen, in bytes. */
  readonly peakBytes: number
}

export interface HostOptions {
  readonly runtime?: "runc" | "crun"
  readonly cgroups?: "host" | "v1" | "v2"
  /** A network with nothing but loopback, or this machine's, where a registry may be. */
  readonly network?: "own" | "machine"
  /** Where state lies; a directory of its own by default. */
  readonly directory?: string
  /** Another build of the program than the one in `dist`. */
  readonly program?: string
}

export const project = join(import.meta.dirname, "../../..")
export const nodeProgram = join(project, "node_modules/.bin/node")
/** Words that start a build of the program, as the first line of it does. */
export const programWords = (program: string): readonly [string, ...ReadonlyArray<string>] => [
  nodeProgram,
  ...nodeFlags,
  "--",
  program,
]
const hosting = join(import.meta.dirname, "host.sh")
export const builtProgram = join(project, "apps/cli/dist/main.cjs")

export class Host {
  readonly directory: string
  readonly root: string
  readonly runroot: string
  readonly runtime: "runc" | "crun"
  private readonly program: string
  private readonly holder: ChildProcess

  private constructor(options: HostOptions, directory: string, holder: ChildProcess) {
    this.directory = directory
    this.root = join(directory, "root")
    this.runroot = join(directory, "run")
    this.runtime = options.runtime ?? "runc"
    this.program = options.program ?? builtProgram
    this.holder = holder
  }

  static async make(options: HostOptions = {}): Promise<Host> {
    const directory = options.directory ?? fs.mkdtempSync("/var/tmp/cryopod-test.")
    return new Host(options, directory, await hold(options.cgroups ?? "host", options.network ?? "own"))
  }

  /** The same state under another build. */
  with(program: string): Host {
    return new Host({ runtime: this.runtime, program }, this.directory, this.holder)
  }

  readonly path = (...parts: ReadonlyArray<string>): string => join(this.root, ...parts)

  /** Words that run the program here. */
  command(args: ReadonlyArray<string>): readonly [string, ...Array<string>] {
    const place = ["--root", this.root, "--runroot", this.runroot, "--runtime", this.runtime]
    return this.entered([...programWords(this.program), ...place, ...args])
  }

  /** The same words as a command on this host. */
  private entered(words: readonly [string, ...Array<string>]): readonly [string, ...Array<string>] {
    return [hosting, "enter", String(this.holder.pid), ...words]
  }

  run(...args: ReadonlyArray<string>): Promise<Ran> {
    return runCommand(this.command(args))
  }

  /** Run a command that must succeed; its output without the last newline. */
  async ok(...args: ReadonlyArray<string>): Promise<string> {
    const ran = await this.run(...args)
    if (ran.status !== 0) throw new Error(`cryopod ${args.join(" ")}: status ${ran.status}\n${ran.stdout}${ran.stderr}`)
    return ran.stdout.trimEnd()
  }

  inspect(ref: string, template: string): Promise<string> {
    return this.ok("inspect", "--format", template, ref)
  }

  /** A program of the system, where this host's mounts are. */
  shell(script: string): Promise<Ran> {
    return runCommand(this.entered(["sh", "-c", script]))
  }

  /** A program of the system that goes on, with its streams; whoever started it ends it. */
  spawn(script: string): ChildProcess {
    const [file, ...args] = this.entered(["sh", "-c", script])
    return spawn(file, args, { stdio: "pipe" })
  }

  /** The last number a counter printed. */
  async last(ref: string): Promise<number> {
    return Number((await this.ok("logs", "--tail", "1", ref)).trim())
  }

  /** Every number a counter printed. */
  async numbers(ref: string): Promise<ReadonlyArray<number>> {
    return (await this.ok("logs", ref)).split("\n").map(Number)
  }

  /** Wait until a counter has gone beyond a number. */
  async beyond(ref: string, number: number): Promise<number> {
    return eventually(async () => {
      const last = await this.last(ref)
      return last > number ? last : undefined
    }, `${ref} to count beyond ${number}`)
  }

  async dispose(): Promise<void> {
    await this.run("rm", "--all", "--force", "--time", "0")
    await this.shell(`awk '$2 ~ "^${this.directory}/" { print $2 }' /proc/mounts | sort -r | xargs -r umount -l`)
    this.holder.kill("SIGKILL")
    await runCommand([hosting, "sweep", String(this.holder.pid)])
    // what conmon calls when a container ends may still be writing
    fs.rmSync(this.directory, { recursive: true, force: true, maxRetries: 20 })
  }
}

const hold = (layout: "host" | "v1" | "v2", network: "own" | "machine"): Promise<ChildProcess> =>
  new Promise((resolve, reject) => {
    const holder = spawn(hosting, ["hold", layout, network], { stdio: ["ignore", "pipe", "inherit"] })
    holder.stdout.once("data", () => resolve(holder))
    holder.once("exit", (status) => reject(new Error(`no host with ${layout} cgroups here: status ${status}`)))
  })

export const runCommand = ([file, ...args]: readonly [string, ...Array<string>], input = ""): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] })
    let stdout = ""
    let stderr = ""
    let peakBytes = 0
    const sampling = setInterval(() => {
      peakBytes = Math.max(peakBytes, highWater(child.pid ?? 0))
    }, 5)
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")))
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")))
    child.stdin.on("error", () => undefined)
    child.stdin.end(input)
    child.once("error", reject)
    child.once("close", (code, signal) => {
      clearInterval(sampling)
      resolve({ status: code ?? (signal === "SIGKILL" ? 137 : 143), stdout, stderr, peakBytes })
    })
  })

const highWater = (pid: number): number => {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

/** Ask again until there is an answer; a test never sleeps for a guess. */
export const eventually = async <A>(
  ask: () => Promise<A | undefined>,
  what: string | (() => string),
  seconds = 20,
): Promise<A> => {
  const deadline = performance.now() + seconds * 1000
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > deadline)
      throw new Error(`waited ${seconds} s for ${typeof what === "string" ? what : what()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
