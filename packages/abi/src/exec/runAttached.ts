/**
 * The runtime's `exec` as a process of ours, with the program's streams going through it.
 *
 * The runtime writes the program's pid as soon as that runs; what is heard of a program that never ran is the runtime's
 * complaint, which is in its log as well.
 */
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process"
import * as fs from "node:fs"
import type { Readable, Writable } from "node:stream"
import type { AttachStreams, ToolMissing } from "@cryopod/entities"
import { readOr, run, Tools } from "@cryopod/host"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { terminalCommand } from "./heldTerminal.ts"
import type { SessionPaths } from "./sessions.ts"

export interface ExecRequest {
  /** Id of the session. */
  readonly id: string
  readonly paths: SessionPaths
  /** The runtime's program and its arguments. */
  readonly command: (detach: boolean) => readonly [string, ...ReadonlyArray<string>]
  readonly terminal: boolean
  readonly environment: Readonly<Record<string, string>>
}

export type ExecEnded =
  | { readonly started: true; readonly exitCode: number }
  | { readonly started: false; readonly complaint: string }

export interface ExecStreams {
  /** The program gets input. */
  readonly interactive: boolean
  /** Without them it is shown on our own terminal. */
  readonly streams: AttachStreams | undefined
}

export const runAttached = Effect.fn("exec.attached")(function* (
  request: ExecRequest,
  { interactive, streams }: ExecStreams,
): Effect.fn.Return<ExecEnded, ToolMissing, Tools | Scope.Scope> {
  const plain = request.command(false)
  const held = request.terminal && streams !== undefined
  const [file, ...args] = held ? yield* terminalCommand(request, plain) : plain
  const stdio: StdioOptions =
    streams === undefined
      ? // with a terminal, the runtime's standard error is not the program's
        [interactive ? "inherit" : "ignore", "inherit", request.terminal ? "ignore" : "inherit"]
      : // who holds the terminal takes the end of its input for a word to the program
        [interactive || held ? "pipe" : "ignore", "pipe", "pipe"]
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => heard(spawn(file, args, { stdio, env: request.environment }))),
    (process) => Effect.sync(() => void process.kill("SIGTERM")),
  )
  const exited = yield* exitOf(child)
  const begun = yield* beginning(request.paths, exited)
  const passing = streams === undefined ? undefined : yield* passOutput(child, streams, begun)
  if (streams !== undefined)
    yield* Effect.forkScoped(converse(interactive ? child.stdin : null, request, streams, begun))
  const exitCode = yield* Deferred.await(exited)
  if (!(yield* Deferred.await(begun))) return { started: false, complaint: complaintIn(request.paths) }
  if (passing !== undefined) yield* passing
  const late = request.terminal ? lateOutput(request.paths) : Buffer.alloc(0)
  if (late.length > 0) yield* streams === undefined ? showHere(late) : streams.output("stdout", late)
  return { started: true, exitCode }
}, Effect.scoped)

/** Node throws away what a process has said when that ends before anybody listens; it does not with such a listener. */
const heard = (child: ChildProcess): ChildProcess => {
  for (const stream of [child.stdout, child.stderr]) stream?.on("readable", () => undefined)
  return child
}

/** What the runtime wrote into its log. */
export const complaintIn = ({ log }: SessionPaths): string => readOr(log, "")

/**
 * What crun has read of a terminal after the program's end: it writes that into its log, with a line feed behind it (seen with
 * 1.28, on a busy host). Of a program that ran, the log has nothing else.
 */
const lateOutput = ({ log }: SessionPaths): Buffer => {
  try {
    return fs.readFileSync(log).subarray(0, -1)
  } catch {
    return Buffer.alloc(0)
  }
}

const showHere = (bytes: Buffer) => Effect.sync(() => void process.stdout.write(bytes))

/** 128 and the signal's number of a runtime that was killed. */
export const exitOf = (child: ChildProcess) =>
  Effect.gen(function* () {
    const exited = yield* Deferred.make<number>()
    const ended = (code: number) => void Effect.runFork(Deferred.succeed(exited, code))
    child.once("error", () => ended(127))
    child.once("exit", (code, signal) => ended(code ?? 128 + (signal === "SIGKILL" ? 9 : 15)))
    return exited
  })

/** True as soon as the program runs or has run; false when the runtime has ended without that. */
export const beginning = Effect.fnUntraced(function* ({ pidFile }: SessionPaths, exited: Deferred.Deferred<number>) {
  const begun = yield* Deferred.make<boolean>()
  const look = Effect.gen(function* () {
    const over = yield* Deferred.isDone(exited)
    return fs.existsSync(pidFile) ? true : over ? false : undefined
  })
  yield* look.pipe(
    Effect.repeat({ while: (answer) => answer === undefined, schedule: Schedule.spaced("2 millis") }),
    Effect.flatMap((answer) => Deferred.succeed(begun, answer === true)),
    Effect.forkScoped,
  )
  return begun
})

/**
 * How often nothing must have come after the program's end: what it left behind may keep its streams open for ever. Looks and
 * not time are counted, as a busy host may let time pass without reading anything.
 */
const quietLooks = 10

/**
 * Both streams go on to the listener, chunk by chunk: the next one is read when the last has been taken. The answer is done
 * when everything that was said has been passed on; it is to be asked for when the program has ended.
 */
const passOutput = Effect.fnUntraced(function* (
  { stderr, stdout }: ChildProcess,
  { output }: AttachStreams,
  begun: Deferred.Deferred<boolean>,
) {
  const passed = { busy: 0, chunks: 0 }
  const pass = (name: "stdout" | "stderr", source: Readable | null) =>
    source === null
      ? Effect.void
      : Stream.fromAsyncIterable<Buffer, never>(source, (cause) => {
          throw cause
        }).pipe(
          Stream.runForEach((chunk) =>
            Effect.gen(function* () {
              passed.busy++
              if (yield* Deferred.await(begun)) yield* output(name, chunk)
              passed.chunks++
              passed.busy--
            }),
          ),
        )
  const both = yield* Effect.forkScoped(
    Effect.all([pass("stdout", stdout), pass("stderr", stderr)], { concurrency: 2, discard: true }),
  )
  const quiet = Effect.gen(function* () {
    for (let looks = 0, seen = passed.chunks; looks < quietLooks; looks++) {
      yield* Effect.sleep("10 millis")
      if (passed.busy > 0 || passed.chunks !== seen) looks = -1
      seen = passed.chunks
    }
  })
  return Effect.raceFirst(Fiber.await(both), quiet)
})

/** What the program is told: bytes, and the sizes of its terminal. */
const converse = Effect.fnUntraced(function* (
  stdin: Writable | null,
  request: ExecRequest,
  streams: AttachStreams,
  begun: Deferred.Deferred<boolean>,
) {
  // a terminal that the runtime has not taken over yet would echo
  if (!(yield* Deferred.await(begun))) return
  const feed = stdin === null ? Effect.void : feedInput(stdin, streams.input ?? Stream.empty)
  const sizes = request.terminal ? (streams.resizes ?? Stream.empty) : Stream.empty
  const resize = Stream.runForEach(sizes, (size) => resizeTerminal(request.paths, size))
  yield* Effect.all([feed, resize], { concurrency: 2 })
})

/** The next bytes are asked for when the program has room for them. */
const feedInput = Effect.fnUntraced(function* (stdin: Writable, input: Stream.Stream<Uint8Array>) {
  stdin.on("error", () => undefined)
  yield* Stream.runForEach(input, (chunk) =>
    Effect.callback<void>((resume) => {
      stdin.write(chunk, () => resume(Effect.void))
    }),
  )
  stdin.end()
})

const resizeTerminal = Effect.fnUntraced(function* (
  { terminal }: SessionPaths,
  { columns, rows }: { readonly columns: number; readonly rows: number },
) {
  const stty = yield* (yield* Tools).path("stty")
  const path = fs.readFileSync(terminal, "utf8").trim()
  // it may be gone with its program
  yield* run(stty, ["-F", path, "rows", String(rows), "cols", String(columns)])
})
