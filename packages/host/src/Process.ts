/** Programs of this machine, run to their end. Interrupting the effect ends the program and waits for that. */
import { type ChildProcess, spawn } from "node:child_process"
import type { Socket } from "node:net"
import type { Writable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { ToolFailed, ToolMissing } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

export interface RunOptions {
  /** The whole environment of the program; the caller's own when absent. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Bytes for its standard input. */
  readonly input?: string | Uint8Array | AsyncIterable<Uint8Array>
  /** A session of its own, so that a Ctrl-C on our terminal does not reach the program. */
  readonly ownSession?: boolean
  /** Told when the program has begun. */
  readonly begun?: (pid: number) => void
}

export interface RunResult {
  /** Exit status; 128 and the signal's number for a program that was killed. */
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** How much of a program's standard error is worth keeping, in characters. */
const stderrKept = 16_384

/** Run a program and collect what it says, whatever its exit status. Its output is expected to be small. */
export const run = (
  file: string,
  args: ReadonlyArray<string>,
  options: RunOptions = {},
): Effect.Effect<RunResult, ToolMissing> =>
  Effect.callback((resume) => {
    const child = spawn(file, args, {
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      detached: options.ownSession ?? false,
    })
    if (child.pid !== undefined) options.begun?.(child.pid)
    const stdout: Array<Buffer> = []
    let stderr = ""
    child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk))
    child.stderr?.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString("utf8")).slice(-stderrKept)
    })
    child.once("error", () => resume(Effect.fail(missing(file))))
    child.once("close", (code, signal) =>
      resume(
        Effect.succeed({
          exitCode: statusOf(code, signal),
          stdout: Buffer.concat(stdout).toString("utf8"),
          stderr,
        }),
      ),
    )
    if (options.input !== undefined && child.stdin !== null) feed(child, child.stdin, options.input)
    return ended(child)
  })

/** A program that has ended wants no more. One whose input breaks off must not take what it has got for all there is. */
const feed = (child: ChildProcess, stdin: Writable, input: NonNullable<RunOptions["input"]>): void => {
  stdin.on("error", () => undefined)
  if (typeof input === "string" || input instanceof Uint8Array) stdin.end(input)
  else pipeline(orKilled(child, input), stdin).catch(() => undefined)
}

async function* orKilled(child: ChildProcess, input: AsyncIterable<Uint8Array>) {
  try {
    yield* input
  } catch (cause) {
    child.kill("SIGKILL")
    throw cause
  }
}

/**
 * The standard output of a program as it comes, which has to be taken before more comes. It ends with a `ToolFailed` when the
 * program fails, and the program is ended when nobody wants more.
 */
export async function* outputOf(
  file: string,
  args: ReadonlyArray<string>,
  { env, input = "" }: Pick<RunOptions, "env" | "input"> = {},
): AsyncGenerator<Uint8Array, void, void> {
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], ...(env === undefined ? {} : { env }) })
  let stderr = ""
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString("utf8")).slice(-stderrKept)
  })
  feed(child, child.stdin, input)
  const ending = new Promise<number>((resolve) => {
    child.once("error", () => resolve(127))
    child.once("close", (code) => resolve(code ?? 128))
  })
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer
    const exitCode = await ending
    if (exitCode !== 0)
      throw new ToolFailed({ tool: nameOf(file), arguments: args, exitCode, detail: lastLines(stderr, 3) })
  } finally {
    child.kill("SIGKILL")
    await ending
  }
}

/**
 * Run a program and pass on what it says as it comes; its exit status. It waits for `output`. Given up, it is killed, and
 * this ends when nothing that it has begun holds its output any more.
 */
export const runHeard = (
  file: string,
  args: ReadonlyArray<string>,
  output: (stream: "stdout" | "stderr", content: Uint8Array) => Effect.Effect<void>,
): Effect.Effect<number, ToolMissing> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] })
      const closed = new Promise<number | undefined>((resolve) => {
        child.once("error", () => resolve(undefined))
        child.once("close", (code, signal) => resolve(statusOf(code, signal)))
      })
      return { child, closed }
    }),
    ({ child, closed }) => {
      const hear = (stream: "stdout" | "stderr") =>
        // a program that was not there has streams that end too early
        Stream.fromAsyncIterable(child[stream], () => undefined).pipe(
          Stream.runForEach((content: Uint8Array) => output(stream, content)),
          Effect.ignore,
        )
      return Effect.all([hear("stdout"), hear("stderr")], { concurrency: 2 }).pipe(
        Effect.andThen(Effect.promise(() => closed)),
        Effect.flatMap((status) => (status === undefined ? Effect.fail(missing(file)) : Effect.succeed(status))),
      )
    },
    ({ child, closed }) =>
      Effect.promise(async () => {
        if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL")
        await closed
      }),
  )

/** Start a program that goes on by itself, and says nothing. Nothing is known of how that goes. */
export const startBehind = ([file = "", ...args]: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.sync(() => {
    const child = spawn(file, args, { cwd: "/", detached: true, stdio: "ignore" })
    child.on("error", () => undefined)
    child.unref()
  })

export interface Lingering {
  /** They stay open while it lingers. */
  readonly descriptors: ReadonlyArray<number>
  readonly millis: number
}

/**
 * Run a program until it says something or ends. From then on it goes on by itself: its standard input ends when this
 * process does, or after a time.
 */
export const runLingering = (
  file: string,
  args: ReadonlyArray<string>,
  { descriptors, millis }: Lingering,
): Effect.Effect<void, ToolMissing> =>
  Effect.callback((resume) => {
    const child = spawn(file, args, {
      cwd: "/",
      detached: true,
      stdio: ["pipe", "pipe", "ignore", ...descriptors],
    })
    const { stdin, stdout } = child as ChildProcess & { readonly stdin: Socket; readonly stdout: Socket }
    stdin.on("error", () => undefined)
    child.once("error", () => resume(Effect.fail(missing(file))))
    stdout.once("data", () => {
      for (const one of [child, stdin, stdout]) one.unref()
      setTimeout(() => stdin.end(), millis).unref()
      resume(Effect.void)
    })
    child.once("close", () => resume(Effect.void))
    return ended(child)
  })

/** How long a program may take to end when it is asked to, before it is killed. */
const patienceMillis = 5000

/** End a program and wait until it is gone: whoever interrupted it removes next what it was writing. */
const ended = (child: ChildProcess): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    const killing = setTimeout(() => child.kill("SIGKILL"), patienceMillis)
    child.once("exit", () => {
      clearTimeout(killing)
      resume(Effect.void)
    })
    child.kill("SIGTERM")
  })

/** Run a program that must succeed; its standard output. */
export const runOk = (
  file: string,
  args: ReadonlyArray<string>,
  options: RunOptions = {},
): Effect.Effect<string, ToolMissing | ToolFailed> =>
  Effect.flatMap(run(file, args, options), (result) =>
    result.exitCode === 0
      ? Effect.succeed(result.stdout)
      : Effect.fail(
          new ToolFailed({
            tool: nameOf(file),
            arguments: args,
            exitCode: result.exitCode,
            detail: lastLines(result.stderr, 3),
          }),
        ),
  )

/** The last lines of a program's complaint, on one line. */
export const lastLines = (text: string, count: number): string =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .slice(-count)
    .join("; ")

const statusOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signalNumbers[signal ?? ""] ?? 0)

const nameOf = (file: string) => file.slice(file.lastIndexOf("/") + 1)

const missing = (file: string) =>
  new ToolMissing({ tool: nameOf(file), searched: [file], remedy: "run scripts/setup, or install it" })

const signalNumbers: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 }
