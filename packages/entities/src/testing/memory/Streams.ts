/** Looking at what a container in memory says, talking to it, and running programs beside it. */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { AttachStreams, ExecOptions } from "../../ContainerEngine.ts"
import { ContainerStateImproper, UserUnknown } from "../../failures/ContainerFailures.ts"
import type { ContainerFailure } from "../../failures/index.ts"
import type { LogLine } from "../../reports/ContainerReports.ts"
import { identityIn, machineOf } from "./MemoryConfig.ts"
import { isActive, type MemoryContainer, newId } from "./MemoryHost.ts"
import { type ProcessStreams, startProcess } from "./Process.ts"
import { notFound } from "./Runs.ts"
import { type Machine, programOf } from "./Shell.ts"

/** Lines from a place in the log; with `follow` until the container has stopped. */
export const logLines = (
  container: MemoryContainer,
  { follow, from }: { readonly follow: boolean; readonly from: number },
): Stream.Stream<LogLine> => {
  const end = follow ? Number.POSITIVE_INFINITY : container.log.length
  const next = (at: number): Effect.Effect<readonly [LogLine, number] | undefined> =>
    Effect.suspend(() => {
      const { changed } = container
      const line = at < end ? container.log[at] : undefined
      if (line !== undefined) return Effect.succeed([line, at + 1] as const)
      if (!follow || !isActive(container)) return Effect.undefined
      return Effect.andThen(Deferred.await(changed), next(at))
    })
  return Stream.unfold(from, next)
}

/** Where the last lines begin; a line that goes on in several records counts once. */
export const tailStart = ({ log }: MemoryContainer, lines: number): number => {
  if (lines < 0) return 0
  const begins = log.flatMap((_, at) => (log[at - 1]?.partial === true ? [] : [at]))
  return lines === 0 ? log.length : (begins.at(-lines) ?? 0)
}

export const exitCode = (container: MemoryContainer, intervalMillis: number): Effect.Effect<number> =>
  Effect.suspend(() => {
    const { changed, removed, state } = container
    if (removed || (state.status !== "created" && !isActive(container))) return Effect.succeed(state.exitCode)
    return Effect.andThen(
      Effect.raceFirst(Deferred.await(changed), Effect.sleep(intervalMillis)),
      exitCode(container, intervalMillis),
    )
  })

export const attachTo = (container: MemoryContainer, streams: AttachStreams): Effect.Effect<number> =>
  Effect.gen(function* () {
    const { run } = container
    const output = Stream.runForEach(logLines(container, { follow: true, from: container.runBegins }), (line) =>
      streams.output(line.stream, line.content),
    )
    const input = run?.input
    const feed =
      input === undefined || streams.input === undefined
        ? Effect.void
        : Effect.andThen(
            Stream.runForEach(streams.input, (bytes) => Queue.offer(input, bytes)),
            Queue.end(input),
          )
    const resize =
      run === undefined || streams.resizes === undefined
        ? Effect.void
        : Stream.runForEach(streams.resizes, (size) =>
            Effect.sync(() => {
              if (container.config.terminal) run.terminal.size = size
            }),
          )
    yield* Effect.raceFirst(output, Effect.andThen(Effect.all([feed, resize], { concurrency: 2 }), Effect.never))
    return yield* exitCode(container, 1000)
  })

export const execIn = Effect.fnUntraced(function* (
  container: MemoryContainer,
  options: ExecOptions,
  streams: AttachStreams | undefined,
): Effect.fn.Return<number, ContainerFailure> {
  const terminal: { size: Size | undefined } = { size: options.tty ? { columns: 80, rows: 24 } : undefined }
  const input = options.interactive ? yield* Queue.unbounded<Uint8Array, Cause.Done>() : undefined
  const { process } = yield* beside(container, options, {
    terminal: () => terminal.size,
    streams: {
      output: (stream, text) =>
        streams === undefined
          ? Effect.void
          : streams.output(options.tty ? "stdout" : stream, new TextEncoder().encode(text)),
      ...(input === undefined ? {} : { input }),
    },
  })
  const feed =
    input === undefined || streams?.input === undefined
      ? Effect.void
      : Effect.andThen(
          Stream.runForEach(streams.input, (bytes) => Queue.offer(input, bytes)),
          Queue.end(input),
        )
  const resize =
    streams?.resizes === undefined
      ? Effect.void
      : Stream.runForEach(streams.resizes, (now) =>
          Effect.sync(() => void (terminal.size = options.tty ? now : undefined)),
        )
  return yield* Effect.raceFirst(
    Deferred.await(process.exit),
    Effect.andThen(Effect.all([feed, resize], { concurrency: 2 }), Effect.never),
  )
})

export const execDetachedIn = Effect.fnUntraced(function* (
  container: MemoryContainer,
  options: Omit<ExecOptions, "interactive">,
): Effect.fn.Return<string, ContainerFailure> {
  const terminal = () => (options.tty ? { columns: 80, rows: 24 } : undefined)
  return (yield* beside(container, options, { terminal, streams: { output: () => Effect.void } })).session
})

type Size = NonNullable<ReturnType<Machine["terminal"]>>

/** A program in a running container; it ends with it. */
const beside = Effect.fnUntraced(function* (
  container: MemoryContainer,
  options: Omit<ExecOptions, "interactive">,
  { streams, terminal }: { readonly terminal: Machine["terminal"]; readonly streams: ProcessStreams },
) {
  const { config, files, id, run, state } = container
  if (run === undefined || state.status !== "running") {
    return yield* new ContainerStateImproper({ id, state: state.status, operation: "exec" })
  }
  const identity = identityIn(files, options.user)
  if (typeof identity === "string") {
    return yield* new UserUnknown({ user: options.user, problem: identity })
  }
  const program = programOf(options.command, machineOf(container, terminal, options))
  if ("missing" in program) return yield* notFound(id, config.runtime, program.missing)
  const process = yield* startProcess(program, machineOf(container, terminal, options), { first: false, streams }).pipe(
    Scope.provide(run.scope),
  )
  const session = options.session ?? (yield* newId)
  run.sessions.set(session, { command: options.command, program: process })
  return { process, session }
})
