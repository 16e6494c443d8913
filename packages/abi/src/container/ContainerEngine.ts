/** The containers of this host behind the interface that every engine has. */
import {
  ContainerEngine,
  ContainerNotFound,
  isContainerName,
  NameInvalid,
  portLines,
  type ContainerSelection,
  type Item,
} from "@cryopod/entities"
import { type ContainerRecord, Containers, isActive } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { loadCheckpointing } from "../loadCheckpointing.ts"
import type { AllServices } from "../EngineServices.ts"
import { exec, execDetached } from "../exec/exec.ts"
import { healthcheck } from "../health/healthcheck.ts"
import { createMember } from "../pod/createMember.ts"
import { removeAlong } from "../pod/removeAlong.ts"
import { requireRoot } from "../system/privilege.ts"
import { followRun, presentRun } from "./attach.ts"
import { networkOwner } from "../network/networkReport.ts"
import { within, withinRef } from "./ContainerScope.ts"
import { create } from "./create.ts"
import { diff } from "./diff.ts"
import { inspect } from "./inspect.ts"
import { list } from "./list.ts"
import { logs } from "./logs.ts"
import { remove } from "./remove.ts"
import { eachSelected, select, type Selected } from "./select.ts"
import { kill, pause, unpause } from "./signal.ts"
import { start } from "./start.ts"
import { startAttached } from "./startAttached.ts"
import { stop, stoppable } from "./stop.ts"
import { top } from "./top.ts"
import { exitCodeOf } from "./wait.ts"

const everything = () => true
const running = ({ state }: ContainerRecord) => state.status === "running"
const paused = ({ state }: ContainerRecord) => state.status === "paused"
const active = ({ state }: ContainerRecord) => isActive(state)

/** Lock each selected container in turn and work on it. */
const each = <A, E>(
  selection: ContainerSelection,
  eligible: (record: ContainerRecord) => boolean,
  work: (record: ContainerRecord) => Effect.Effect<A, E, AllServices>,
) => Effect.flatMap(select(selection, eligible), (selected) => eachSelected(selected, ({ id }) => within(id, work)))

export const containerEngineLayer: Layer.Layer<ContainerEngine, never, AllServices> = Layer.effect(
  ContainerEngine,
  Effect.gen(function* () {
    const services = yield* Effect.context<AllServices>()
    const here = <A, E>(effect: Effect.Effect<A, E, AllServices>): Effect.Effect<A, E> =>
      Effect.provideContext(effect, services)

    return ContainerEngine.of({
      create: (options) =>
        here(Effect.andThen(requireRoot("run"), options.pod === "" ? create(options) : createMember(options))),
      start: (selection) => here(each(selection, everything, start)),
      startAttached: (ref, streams, begun) =>
        here(
          Effect.flatMap(
            Effect.flatMap(Containers, (containers) => containers.find(ref)),
            ({ id }) => startAttached(id, streams, begun),
          ),
        ),
      attach: (ref, streams) =>
        here(
          Effect.gen(function* () {
            const { id } = yield* (yield* Containers).find(ref)
            return yield* followRun(yield* presentRun(id), streams)
          }),
        ),
      stop: (selection, { ignore, timeSeconds }) =>
        here(
          Effect.map(
            each(selection, stoppable, (record) => stop(record, timeSeconds)),
            ignoring(ignore),
          ),
        ),
      kill: (selection, { signal }) => here(each(selection, running, (record) => kill(record, signal))),
      pause: (selection) => here(each(selection, running, pause)),
      unpause: (selection) => here(each(selection, paused, unpause)),
      wait: (selection, { ignore, intervalMillis }) =>
        here(
          Effect.flatMap(
            select(selection, active),
            Effect.forEach(({ found, input }) =>
              Effect.map(Effect.result(waited(found, input, intervalMillis)), (result) => ({ input, result })),
            ),
          ).pipe(Effect.map(ignoring(ignore))),
        ),
      remove: (selection, options) =>
        here(
          Effect.flatMap(select(selection, everything), (selected) =>
            // the newest first: what others join is older than they are
            eachSelected(selection._tag === "All" ? selected.toReversed() : selected, ({ config, id }) =>
              // all of them: with their infra containers, the pods go too
              options.depend === true || (selection._tag === "All" && config.infra === true)
                ? Effect.as(removeAlong(id, options), id)
                : within(id, (record) => remove(record, options)),
            ),
          ).pipe(Effect.map(ignoring(options.ignore))),
        ),
      list: (flags) => here(list(flags)),
      exists: (ref) =>
        here(
          Effect.flatMap(Containers, (containers) => containers.find(ref)).pipe(
            Effect.as(true),
            Effect.catchTags({
              ContainerNotFound: () => Effect.succeed(false),
              ContainerAmbiguous: () => Effect.succeed(false),
            }),
          ),
        ),
      inspect: (ref) => here(inspect(ref)),
      latest: here(Effect.flatMap(Containers, (containers) => Effect.map(containers.latest, ({ id }) => id))),
      rename: (ref, name) =>
        here(
          withinRef(ref, ({ id }) =>
            Effect.gen(function* () {
              if (!isContainerName(name)) return yield* new NameInvalid({ name })
              yield* (yield* Containers).rename(id, name)
            }),
          ),
        ),
      diff: (ref) =>
        here(
          Effect.flatMap(
            Effect.flatMap(Containers, (containers) => containers.find(ref)),
            diff,
          ),
        ),
      top: (ref, descriptors) => here(withinRef(ref, (record) => top(record, descriptors))),
      port: (ref) =>
        here(
          Effect.gen(function* () {
            const containers = yield* Containers
            const record = yield* containers.find(ref)
            return portLines(networkOwner(record, yield* containers.list).config.ports ?? [])
          }),
        ),
      logs: (ref, request) => Stream.provideContext(logs(ref, request), services),
      exec: (ref, options, streams) =>
        here(Effect.flatMap(withinRef(ref, Effect.succeed), (record) => exec(record, options, streams))),
      execDetached: (ref, options) =>
        here(Effect.flatMap(withinRef(ref, Effect.succeed), (record) => execDetached(record, options))),
      healthcheck: (ref) => here(Effect.flatMap(withinRef(ref, Effect.succeed), healthcheck)),
      checkpoint: (selection, options) =>
        here(Effect.flatMap(loadCheckpointing, (loaded) => loaded.checkpoint(selection, options))),
      restore: (selection, options) =>
        here(Effect.flatMap(loadCheckpointing, (loaded) => loaded.restore(selection, options))),
    })
  }),
)

/** Containers that are not there are no items when missing ones are to be ignored. */
const ignoring =
  (ignore: boolean) =>
  <A, E>(items: ReadonlyArray<Item<A, E>>): ReadonlyArray<Item<A, E>> =>
    ignore
      ? items.filter(({ result }) => Result.isSuccess(result) || !(result.failure instanceof ContainerNotFound))
      : items

/** The exit code of a selected container, also of one that has gone meanwhile, by its full id. */
const waited = (found: Selected["found"], input: string, intervalMillis: number) =>
  Effect.fromResult(found).pipe(
    Effect.flatMap((record) => exitCodeOf(record, intervalMillis)),
    Effect.catchTag("ContainerNotFound", (missing) =>
      Effect.gen(function* () {
        return (yield* (yield* Containers).exitCode(input)) ?? (yield* missing)
      }),
    ),
  )
