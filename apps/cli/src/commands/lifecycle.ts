/** Commands that start, stop and remove containers. */
import {
  ContainerEngine,
  type ContainerSelection,
  type Item,
  KillFlags,
  PauseFlags,
  RemoveFlags,
  RestartFlags,
  selectionOf,
  Selection,
  StartFlags,
  StopFlags,
  SystemEngine,
  WaitFlags,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { CliCommand, CommandFailure } from "../Handler.ts"
import { flagTable, optionsOf } from "../flags.ts"
import { type Call, exactArgs, namesOrAll, parseDuration, valuesOf } from "../kit/index.ts"
import { printItems, printLine, refuse, removalStatus, rewordedItems } from "../output.ts"
import { startAttached } from "../attach.ts"
import { completeContainers } from "../completions.ts"

/** Names, `--all` or `--latest`, as one selection. */
const selected = (call: Call): Effect.Effect<ContainerSelection, CommandFailure> =>
  Effect.fromResult(selectionOf({ all: call.flags["all"] === true, latest: call.flags["latest"] === true }, call.args))

const typed = (_: unknown, input: string) => input

export const start: CliCommand = {
  name: "start",
  short: "Start one or more containers",
  use: "[options] CONTAINER [CONTAINER...]",
  example: "cryopod start web\ncryopod start --attach web",
  flags: flagTable(StartFlags),
  args: (context) =>
    context.args.length === 0 && context.flags["all"] !== true && context.flags["latest"] !== true
      ? "start requires at least one argument"
      : namesOrAll(context),
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const flags = optionsOf(StartFlags, call)
      const selection = yield* selected(call)
      if (!flags.attach) {
        const items = yield* Effect.forEach(yield* engine.start(selection), (item) =>
          Result.isSuccess(item.result) ? Effect.succeed(item) : unstarted(item.input, item.result.failure, flags),
        )
        return yield* printItems(items, typed)
      }
      if (flags.all || call.args.length > 1)
        return yield* refuse("you cannot start and attach multiple containers at once")
      const ref = flags.latest ? yield* engine.latest : (call.args[0] ?? "")
      const { begun, status } = yield* startAttached(ref, { interactive: flags.interactive })
      if (Result.isSuccess(status)) return status.success
      return begun
        ? yield* Effect.fail(status.failure)
        : yield* printItems([yield* unstarted(ref, status.failure, flags)], typed)
    }),
}

/** What is told without the container, because there is none, or because it is in there already. */
const toldAsItIs = new Set(["ContainerNotFound", "ContainerAmbiguous", "ContainerStateImproper"])

const unstarted = Effect.fnUntraced(function* (
  input: string,
  failure: CommandFailure,
  { attach }: { readonly attach: boolean },
): Effect.fn.Return<Item<string, CommandFailure>, CommandFailure, ContainerEngine> {
  if (toldAsItIs.has(failure._tag)) return { input, result: Result.fail(failure) }
  const { Id } = yield* ContainerEngine.use((engine) => engine.inspect(input))
  const message = `unable to start container ${attach ? Id : JSON.stringify(Id)}: ${failure.message}`
  // without the status of its own that a program has in `run`
  return { input, result: Result.fail({ _tag: failure._tag, message }) }
})

export const stop: CliCommand = {
  name: "stop",
  short: "Stop one or more containers",
  use: "[options] CONTAINER [CONTAINER...]",
  example: "cryopod stop web\ncryopod stop --time 2 web db\ncryopod stop --all",
  flags: flagTable(StopFlags),
  args: namesOrAll,
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const { ignore, time } = optionsOf(StopFlags, call)
      const items = yield* (yield* ContainerEngine).stop(yield* selected(call), { ignore, timeSeconds: time })
      return yield* printItems(items, typed)
    }),
}

export const kill: CliCommand = {
  name: "kill",
  short: "Kill one or more running containers with a specific signal",
  use: "[options] CONTAINER [CONTAINER...]",
  example: "cryopod kill web\ncryopod kill --signal HUP web",
  flags: flagTable(KillFlags),
  args: namesOrAll,
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const { signal } = optionsOf(KillFlags, call)
      const items = yield* (yield* ContainerEngine).kill(yield* selected(call), { signal })
      return yield* printItems(items, typed)
    }),
}

const pausing = (name: "pause" | "unpause", short: string): CliCommand => ({
  name,
  short,
  use: "[options] CONTAINER [CONTAINER...]",
  example: `cryopod ${name} web\ncryopod ${name} --all`,
  flags: flagTable(PauseFlags),
  args: namesOrAll,
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const items = yield* (yield* ContainerEngine)[name](yield* selected(call))
      return yield* printItems(items, typed)
    }),
})

export const pause = pausing("pause", "Pause all the processes in one or more containers")
export const unpause = pausing("unpause", "Unpause the processes in one or more containers")

const restartFlags = {
  running: { kind: "bool", usage: "Restart only running containers" },
} as const

export const restart: CliCommand = {
  name: "restart",
  short: "Restart one or more containers",
  use: "[options] CONTAINER [CONTAINER...]",
  example: "cryopod restart web\ncryopod restart --all --time 0",
  flags: { ...flagTable(RestartFlags), ...restartFlags },
  args: namesOrAll,
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const { all, latest, time } = optionsOf(RestartFlags, call)
      const { running } = valuesOf(call, restartFlags)
      const wanted = all || latest ? yield* idsOf({ all: all && !running, latest }) : call.args
      const [name, ...names] = wanted
      if (name === undefined) return 0
      const stopped = yield* engine.stop(Selection.names(name, ...names), { ignore: false, timeSeconds: time })
      const [first, ...rest] = stopped.filter(({ result }) => result._tag === "Success").map(({ input }) => input)
      const failed = yield* printItems(
        stopped.filter(({ result }) => result._tag === "Failure"),
        typed,
      )
      if (first === undefined) return failed
      return Math.max(failed, yield* printItems(yield* engine.start(Selection.names(first, ...rest)), typed))
    }),
}

/** Ids: of the latest, of all containers, or of those that run. */
const idsOf = Effect.fnUntraced(function* ({ all, latest }: { readonly all: boolean; readonly latest: boolean }) {
  const rows = yield* (yield* ContainerEngine).list({ all, latest, filter: [], last: -1, external: false, size: false })
  return rows.map(({ Id }) => Id)
})

export const wait: CliCommand = {
  name: "wait",
  short: "Block on one or more containers",
  long: "Block until one or more containers stop, then print their exit codes.",
  use: "[options] CONTAINER [CONTAINER...]",
  example: "cryopod wait web",
  flags: flagTable(WaitFlags),
  args: namesOrAll,
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const { ignore, interval } = optionsOf(WaitFlags, call)
      const intervalMillis = /^\d+$/.test(interval) ? Number(interval) : parseDuration(interval)
      if (typeof intervalMillis !== "number") return yield* refuse(intervalMillis.problem)
      const items = yield* (yield* ContainerEngine).wait(yield* selected(call), {
        ignore,
        intervalMillis: Math.max(1, intervalMillis),
      })
      return yield* printItems(items, String)
    }),
}

export const rm: CliCommand = {
  name: "rm",
  short: "Remove one or more containers",
  use: "[options] CONTAINER [CONTAINER...]",
  example: "cryopod rm web\ncryopod rm --force --all",
  flags: flagTable(RemoveFlags),
  args: namesOrAll,
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const { depend, force, ignore, time, volumes } = optionsOf(RemoveFlags, call)
      if (call.changed.has("time") && !force)
        return yield* refuse("--force option must be specified to use the --time option")
      const items = yield* (yield* ContainerEngine).remove(yield* selected(call), {
        force,
        depend,
        ignore: ignore || force,
        timeSeconds: time,
        volumes,
      })
      const missing = (ref: string) => `no container with ID or name ${JSON.stringify(ref)} found: no such container`
      return yield* printItems(rewordedItems(items, "ContainerNotFound", missing), typed, removalStatus)
    }),
}

export const rename: CliCommand = {
  name: "rename",
  short: "Rename an existing container",
  use: "CONTAINER NAME",
  example: "cryopod rename web front",
  args: exactArgs(2),
  complete: completeContainers,
  handler: ({ args: [ref = "", name = ""] }) =>
    Effect.as(
      Effect.flatMap(ContainerEngine, (engine) => engine.rename(ref, name)),
      0,
    ),
}

/** What conmon calls when a container has ended. One that is gone already needs nothing. */
export const cleanup: CliCommand = {
  name: "cleanup",
  short: "Clean up network and mountpoints of one or more containers",
  use: "[options] CONTAINER [CONTAINER...]",
  example: "cryopod container cleanup web\ncryopod container cleanup --all",
  flags: flagTable(PauseFlags),
  args: namesOrAll,
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const { all, latest } = optionsOf(PauseFlags, call)
      const refs = all || latest ? yield* idsOf({ all, latest }) : call.args
      for (const ref of refs) {
        const found = yield* SystemEngine.use((engine) => engine.cleanup(ref)).pipe(
          Effect.as(true),
          Effect.catchTag("ContainerNotFound", () => Effect.succeed(false)),
        )
        if (found) yield* printLine(ref)
      }
      return 0
    }),
}
