/** Commands that start, stop and remove containers. */
import {
  ContainerEngine,
  ContainerNotFound,
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
import { type Call, exactArgs, nameOrLatest, namesOrAll, parseDuration, valuesOf } from "../kit/index.ts"
import { failureStatus, printItems, printLine, refuse, removalStatus, reworded } from "../output.ts"
import { startAttached } from "../attach.ts"
import { completeContainers } from "../completions.ts"
import { requireContainers } from "../named.ts"

/** Names, `--all` or `--latest`, as one selection. While one of several names leads nowhere, nothing is done to the others. */
const selected = Effect.fnUntraced(function* (
  call: Call,
  { ignore }: { readonly ignore: boolean } = { ignore: false },
): Effect.fn.Return<ContainerSelection, CommandFailure, ContainerEngine> {
  const { all, latest } = call.flags
  const selection = yield* Effect.fromResult(selectionOf({ all: all === true, latest: latest === true }, call.args))
  // whether a single one is there is told by what is done to it
  if (selection._tag === "Names" && selection.names.length > 1) yield* requireContainers(selection.names, { ignore })
  return selection
})

const typed = (_: unknown, input: string) => input

export const start: CliCommand = {
  name: "start",
  short: "Start one or more containers",
  use: "[options] CONTAINER [CONTAINER...]",
  example: "cryopod start web\ncryopod start --attach web",
  flags: flagTable(StartFlags),
  args: (context) => {
    const { all, latest } = context.flags
    if (all === true && context.args.length > 0)
      return "either start all containers or the container(s) provided in the arguments"
    return context.args.length === 0 && all !== true && latest !== true
      ? "start requires at least one argument"
      : namesOrAll(context)
  },
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
      const items = yield* (yield* ContainerEngine).stop(yield* selected(call, { ignore }), {
        ignore,
        timeSeconds: time,
      })
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
      const wanted = latest
        ? [yield* engine.latest]
        : all
          ? (yield* idsOf({ all: !running, latest: false })).toReversed()
          : call.args
      const [name, ...names] = wanted
      if (name === undefined) return 0
      if (names.length > 0) yield* requireContainers(wanted)
      const stopped = yield* engine.stop(Selection.names(name, ...names), { ignore: false, timeSeconds: time })
      const [first, ...rest] = stopped.filter(({ result }) => result._tag === "Success").map(({ input }) => input)
      const failed = yield* printItems(
        stopped.filter(({ result }) => result._tag === "Failure"),
        typed,
      )
      if (first === undefined) return failed
      const started = yield* engine.start(Selection.names(first, ...rest))
      // a program that is not there has no status of its own here
      return Math.max(failed, yield* printItems(started, typed, () => failureStatus))
    }),
}

/** Ids: of the latest, of all containers, or of those that run. */
const idsOf = Effect.fnUntraced(function* ({ all, latest }: { readonly all: boolean; readonly latest: boolean }) {
  const rows = yield* (yield* ContainerEngine).list({ all, latest, filter: [], last: -1, external: false, size: false })
  return rows.map(({ Id }) => Id)
})

/** What Podman prints for a container that is not there. */
const noCode = -1

const orNoCode = <E extends CommandFailure>(result: Result.Result<number, E>) =>
  Result.isFailure(result) && result.failure._tag === "ContainerNotFound" ? Result.succeed(noCode) : result

export const wait: CliCommand = {
  name: "wait",
  short: "Block on one or more containers",
  long: "Block until one or more containers stop, then print their exit codes.",
  use: "[options] CONTAINER [CONTAINER...]",
  example: "cryopod wait web",
  flags: flagTable(WaitFlags),
  args: (context) => nameOrLatest(context) ?? namesOrAll(context),
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const { ignore, interval } = optionsOf(WaitFlags, call)
      const intervalMillis = /^\d+$/.test(interval) ? Number(interval) : parseDuration(interval)
      if (typeof intervalMillis !== "number") return yield* refuse(intervalMillis.problem)
      const items = yield* (yield* ContainerEngine).wait(yield* selected(call, { ignore }), {
        ignore: false,
        intervalMillis: Math.max(1, intervalMillis),
      })
      const known = items.map(({ input, result }) => ({ input, result: ignore ? orNoCode(result) : result }))
      return yield* printItems(known, String)
    }),
}

/** In the words that Podman has for a removal. */
const unremoved = (failure: CommandFailure): CommandFailure =>
  failure instanceof ContainerNotFound && failure.ref !== ""
    ? reworded(failure, `no container with ID or name ${JSON.stringify(failure.ref)} found: no such container`)
    : failure

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
      // one that is named twice goes once
      const once = { ...call, args: [...new Set(call.args)] }
      const items = yield* Effect.gen(function* () {
        const selection = yield* selected(once, { ignore: ignore || force })
        return yield* (yield* ContainerEngine).remove(selection, {
          force,
          depend,
          ignore: ignore || force,
          timeSeconds: time,
          volumes,
        })
      }).pipe(Effect.mapError((failure) => reworded(failure, unremoved(failure).message, removalStatus(failure))))
      return yield* printItems(
        items.map(({ input, result }) => ({ input, result: Result.mapError(result, unremoved) })),
        typed,
        removalStatus,
      )
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
