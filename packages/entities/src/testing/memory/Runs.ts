/** Runs of containers in memory: how one begins, what becomes of it, and how it ends. */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import { CommandNotStarted, UserUnknown, WorkdirUnfit } from "../../failures/ContainerFailures.ts"
import { restartsAgain } from "../../values/RestartPolicy.ts"
import { checkAtIntervals } from "./Health.ts"
import { isDirectory, resolvePath } from "./Files.ts"
import { identityIn, machineOf } from "./MemoryConfig.ts"
import {
  changeState,
  instant,
  isActive,
  type MemoryContainer,
  type MemoryHost,
  type MemoryState,
  type Run,
  touch,
} from "./MemoryHost.ts"
import { discardAnonymous } from "./MemoryMounts.ts"
import { startProcess } from "./Process.ts"
import { type Program, programOf } from "./Shell.ts"

let lastPid = 1000
const nextPid = Effect.sync(() => ++lastPid)

/** The program a container begins with. */
export const firstProgram = Effect.fnUntraced(function* (
  container: MemoryContainer,
): Effect.fn.Return<Program, CommandNotStarted | UserUnknown | WorkdirUnfit> {
  const { config, files, id, mounts } = container
  const path = config.workdir
  const mounted = ["/dev", "/proc", "/run", "/sys", ...mounts.keys()].some((place) =>
    `${path}/`.startsWith(`${place}/`),
  )
  if (config.workdirRequired && !mounted) {
    const place = resolvePath("/", path)
    if (place !== "/" && !files.has(place)) return yield* new WorkdirUnfit({ id, path, problem: "missing" })
    if (!isDirectory(files, place)) return yield* new WorkdirUnfit({ id, path, problem: "notDirectory" })
  }
  const identity = identityIn(files, config.user)
  if (typeof identity === "string") return yield* new UserUnknown({ user: config.user, problem: identity })
  const program = programOf(
    [...config.entrypoint, ...config.command],
    machineOf(container, () => undefined),
  )
  if (!("missing" in program)) return program
  return yield* notFound(id, config.runtime, program.missing)
})

export const notFound = (id: string, runtime: string, program: string) =>
  new CommandNotStarted({ id, runtime, detail: `executable file \`${program}\` not found in $PATH` })

/** Let a container run from here, in the state that follows. The caller holds the container's lock. */
export const beginRun = Effect.fnUntraced(function* (
  host: MemoryHost,
  container: MemoryContainer,
  { change, program }: { readonly program: Program; readonly change: (state: MemoryState) => MemoryState },
) {
  const scope = yield* Scope.fork(host.scope)
  const input = container.config.openStdin ? yield* Queue.unbounded<Uint8Array, Cause.Done>() : undefined
  const terminal: Run["terminal"] = { size: container.config.terminal ? { columns: 80, rows: 24 } : undefined }
  const main = yield* startProcess(
    program,
    machineOf(container, () => terminal.size),
    {
      first: true,
      streams: {
        output: (stream, text) => record(container, container.config.terminal ? "stdout" : stream, text),
        ...(input === undefined ? {} : { input }),
      },
    },
  ).pipe(Scope.provide(scope))
  const run: Run = { scope, main, input, terminal, sessions: new Map() }
  container.run = run
  const pid = yield* nextPid
  yield* changeState(container, (state) => change({ ...state, status: "running", pid, exitCode: 0 }))
  yield* Effect.forkIn(checkAtIntervals(container), scope)
  yield* Effect.forkIn(
    Effect.flatMap(Deferred.await(main.exit), (status) => ended(host, container, { run, status })),
    host.scope,
  )
})

/** Write down what a container said, line by line as conmon does. */
const record = (container: MemoryContainer, stream: "stdout" | "stderr", text: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    const timestamp = yield* instant
    for (const piece of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
      const content = new TextEncoder().encode(piece)
      container.log.push({ stream, timestamp, content, partial: !piece.endsWith("\n") })
    }
    yield* touch(container)
  })

/** A run has ended by itself or by a signal; whoever notices first writes it down. */
export const ended = Effect.fnUntraced(function* (
  host: MemoryHost,
  container: MemoryContainer,
  { run, status }: { readonly run: Run; readonly status: number },
) {
  if (container.run !== run) return
  const finishedAt = yield* instant
  // whoever comes second must find the end written down, not half of it
  const down = takeDown(container)
  yield* changeState(container, (state) => ({ ...state, status: "exited", pid: 0, exitCode: status, finishedAt }))
  yield* down
  const { config, state } = container
  const restarts = state.restartCount ?? 0
  if (state.stoppedByUser !== true && restartsAgain(config.restartPolicy, { exitCode: status, restarts })) {
    yield* Effect.forkIn(Effect.ignore(startAgain(host, container, restarts + 1)), host.scope)
    return
  }
  if (config.autoRemove) yield* erase(host, container)
})

const startAgain = Effect.fnUntraced(function* (
  host: MemoryHost,
  container: MemoryContainer,
  restartCount: number,
): Effect.fn.Return<void, Effect.Error<ReturnType<typeof firstProgram>>> {
  // the run that has ended may be the one that asks
  yield* Effect.yieldNow
  if (container.removed || isActive(container) || container.state.stoppedByUser === true) return
  const program = yield* firstProgram(container)
  const startedAt = yield* instant
  container.runBegins = container.log.length
  yield* beginRun(host, container, { program, change: (state) => ({ ...state, startedAt, restartCount }) })
})

/** Stop whatever runs, without a word about it in the state: it is off at once, and closed by the effect. */
export const takeDown = (container: MemoryContainer): Effect.Effect<void> => {
  const { run } = container
  container.run = undefined
  return run === undefined ? Effect.void : Scope.close(run.scope, Exit.void)
}

export const erase = (host: MemoryHost, container: MemoryContainer): Effect.Effect<void> =>
  Effect.suspend(() => {
    const at = host.containers.indexOf(container)
    if (at !== -1) host.containers.splice(at, 1)
    container.removed = true
    host.exitCodes.set(container.id, container.state.exitCode)
    if (container.config.autoRemove) discardAnonymous(host, container)
    return touch(container)
  })

/** Ask, wait, kill. Below zero, the container's own patience. */
export const stopRun = Effect.fnUntraced(function* (host: MemoryHost, container: MemoryContainer, timeSeconds: number) {
  const { run } = container
  if (container.state.status === "created" || container.state.checkpointed) return
  // heard as well by a restart policy that is about to begin another run
  yield* changeState(container, (state) => ({ ...state, stoppedByUser: true }))
  if (run === undefined || !isActive(container)) return
  const patience = timeSeconds < 0 ? container.config.stopTimeoutSeconds : timeSeconds
  if (patience > 0 && container.state.status === "running") {
    yield* run.main.signal(container.config.stopSignal)
    const status = yield* Effect.timeoutOption(Deferred.await(run.main.exit), `${patience} seconds`)
    if (Option.isSome(status)) return yield* ended(host, container, { run, status: status.value })
  }
  yield* run.main.signal(9)
  yield* ended(host, container, { run, status: yield* Deferred.await(run.main.exit) })
})
