/** The volumes of this host behind the interface that every engine has. */
import {
  type Item,
  VolumeEngine,
  type VolumeFailure,
  type VolumeInspect,
  type VolumeRemovalFailure,
} from "@cryopod/entities"
import { isMounted, Layout } from "@cryopod/host"
import { Containers, hasOwnFilesystem, isActive, type VolumeRecord, Volumes } from "@cryopod/runtime"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { within } from "../container/ContainerScope.ts"
import { remove } from "../container/remove.ts"
import type { AllServices } from "../EngineServices.ts"
import { createVolume } from "./createVolume.ts"
import { type Filtered, filterVolumes } from "./filterVolumes.ts"
import { removeVolume, sweepVolumes } from "./removeVolume.ts"

export const volumeEngineLayer: Layer.Layer<VolumeEngine, never, AllServices> = Layer.effect(
  VolumeEngine,
  Effect.gen(function* () {
    const services = yield* Effect.context<AllServices>()
    const here = <A, E>(effect: Effect.Effect<A, E, AllServices>): Effect.Effect<A, E> =>
      Effect.provideContext(effect, services)

    return VolumeEngine.of({
      create: (options) => here(createVolume(options)),
      list: ({ filter }) =>
        here(Effect.flatMap(selected(filter), (found) => Effect.forEach(found, ({ record }) => reportOf(record)))),
      inspect: (ref) =>
        here(
          Effect.flatMap(
            Effect.flatMap(Volumes, (volumes) => volumes.find(ref)),
            reportOf,
          ),
        ),
      exists: (ref) =>
        here(
          Effect.flatMap(Volumes, (volumes) => volumes.find(ref)).pipe(
            Effect.as(true),
            Effect.catchTags({
              VolumeNotFound: () => Effect.succeed(false),
              VolumeAmbiguous: () => Effect.succeed(false),
            }),
          ),
        ),
      remove: (selection, options) =>
        here(
          Effect.gen(function* () {
            const names =
              selection._tag === "Names"
                ? selection.names
                : (yield* (yield* Volumes).list).map(({ config }) => config.name)
            return (yield* Effect.forEach(names, (input) => removed(input, options))).flat()
          }),
        ),
      prune: ({ filter }) =>
        here(
          Effect.gen(function* () {
            const unused = (yield* selected(filter)).filter(({ used }) => !used)
            yield* sweepVolumes()
            return (yield* Effect.forEach(unused, ({ record }) => pruned(record.config.name))).flat()
          }),
        ),
    })
  }),
)

/** The volumes that all filters let through. */
const selected = Effect.fnUntraced(function* (filters: ReadonlyArray<string>) {
  const volumes = yield* Volumes
  const all = yield* Effect.forEach(yield* volumes.list, (record) =>
    Effect.map(volumes.users(record.config.name), (users): Filtered => ({ record, used: users.length > 0 })),
  )
  return yield* Effect.fromResult(filterVolumes({ volumes: all, filters, nowMillis: yield* Clock.currentTimeMillis }))
})

interface RemovalOptions {
  readonly force: boolean
  readonly timeSeconds: number
}

/** No item when there is nothing to remove and force was meant to bring that about. */
const removed = Effect.fnUntraced(function* (
  input: string,
  { force, timeSeconds }: RemovalOptions,
): Effect.fn.Return<ReadonlyArray<Item<string, VolumeRemovalFailure>>, never, AllServices> {
  const volumes = yield* Volumes
  const result = yield* Effect.result(
    Effect.gen(function* (): Effect.fn.Return<string, VolumeRemovalFailure, AllServices> {
      const { name } = (yield* volumes.find(input)).config
      if (force) {
        for (const id of yield* volumes.users(name)) {
          yield* within(id, (record) => remove(record, { force: true, timeSeconds })).pipe(
            Effect.catchTag("ContainerNotFound", () => Effect.void),
          )
        }
      }
      yield* removeVolume(name)
      return input
    }),
  )
  const nothingThere = Result.isFailure(result) && result.failure._tag === "VolumeNotFound" && input !== ""
  return force && nothingThere ? [] : [{ input, result }]
})

/** No item for a volume that has found a user since it was looked at, or has gone. */
const pruned = Effect.fnUntraced(function* (input: string) {
  const result = yield* Effect.result(Effect.as(removeVolume(input), input))
  const passed = Result.isFailure(result) && ["VolumeInUse", "VolumeNotFound"].includes(result.failure._tag)
  return passed ? [] : [{ input, result } satisfies Item<string, VolumeFailure>]
})

const reportOf = Effect.fnUntraced(function* ({ config, state }: VolumeRecord) {
  const { data } = (yield* Layout).volume(config.name)
  const owner = (key: "UID" | "GID") =>
    config.options[key] === undefined ? {} : { [key]: Number(config.options[key]) }
  const mounted = hasOwnFilesystem(config) && isMounted(data)
  return {
    Name: config.name,
    Driver: config.driver,
    Mountpoint: data,
    CreatedAt: config.createdAt,
    Labels: config.labels,
    Scope: "local",
    Options: config.options,
    ...owner("UID"),
    ...owner("GID"),
    ...(config.anonymous ? { Anonymous: true } : {}),
    MountCount: mounted ? yield* activeUsers(config.name) : 0,
    ...(state.needsCopyUp ? { NeedsCopyUp: true } : {}),
    ...(state.needsChown ? { NeedsChown: true } : {}),
    LockNumber: 0,
  } satisfies VolumeInspect
})

const activeUsers = Effect.fnUntraced(function* (name: string) {
  const ids = new Set(yield* (yield* Volumes).users(name))
  const containers = yield* (yield* Containers).list
  return containers.filter(({ id, state }) => ids.has(id) && isActive(state)).length
})
