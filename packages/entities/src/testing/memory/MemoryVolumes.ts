/** The volumes of an engine in memory. */
import { randomBytes } from "node:crypto"
import * as Effect from "effect/Effect"
import { VolumeAmbiguous, VolumeExists, VolumeFilterInvalid, VolumeInUse } from "../../failures/VolumeFailures.ts"
import { VolumeNameInvalid, VolumeNotFound, VolumeOptionInvalid } from "../../failures/VolumeFailures.ts"
import type { Item, Items } from "../../Item.ts"
import type { VolumeInspect } from "../../reports/VolumeReports.ts"
import { isContainerName } from "../../values/ContainerName.ts"
import type { VolumeEngineShape } from "../../VolumeEngine.ts"
import type { Files } from "./Files.ts"
import { instant, type MemoryContainer, type MemoryHost } from "./MemoryHost.ts"
import type { RemoveContainer } from "./MemoryImages.ts"
import { keyValues } from "../../values/KeyValues.ts"

export interface MemoryVolume {
  readonly name: string
  readonly createdAt: string
  readonly labels: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, string>>
  readonly files: Files
  /** Made for a container that named none. */
  readonly anonymous: boolean
  /** The first container that mounts it fills it with what its image has in its place. */
  needsCopyUp: boolean
}

export const memoryVolumes = (host: MemoryHost, removeContainer: RemoveContainer): VolumeEngineShape => {
  const usersOf = ({ name }: MemoryVolume): ReadonlyArray<MemoryContainer> =>
    host.containers.filter(({ config }) =>
      config.mounts.some((mount) => mount.type === "volume" && mount.name === name),
    )

  const find = Effect.fnUntraced(function* (
    ref: string,
  ): Effect.fn.Return<MemoryVolume, VolumeNotFound | VolumeAmbiguous> {
    const exact = host.volumes.find(({ name }) => name === ref)
    if (exact !== undefined) return exact
    const [found, another] = ref === "" ? [] : host.volumes.filter(({ name }) => name.startsWith(ref))
    if (found === undefined) return yield* new VolumeNotFound({ ref })
    return another === undefined ? found : yield* new VolumeAmbiguous({ ref })
  })

  const selected = Effect.fnUntraced(function* (filters: ReadonlyArray<string>) {
    const tests = yield* Effect.forEach(filters, (filter) => {
      const [key = "", value] = filter.split(/=(.*)/s)
      const invalid = (problem: VolumeFilterInvalid["problem"]) =>
        Effect.fail(new VolumeFilterInvalid({ problem, value: problem === "form" ? filter : key }))
      if (value === undefined) return invalid("form")
      const test = filterTests[key]
      return test === undefined
        ? invalid("key")
        : Effect.succeed((volume: MemoryVolume) => test(volume, value, usersOf(volume)))
    })
    return host.volumes.filter((volume) => tests.every((test) => test(volume)))
  })

  const drop = ({ name }: MemoryVolume) =>
    Effect.sync(() => {
      host.volumes.splice(
        host.volumes.findIndex((other) => other.name === name),
        1,
      )
    })

  return {
    create: Effect.fnUntraced(function* ({ driver, ignore, label, name: wanted, opt }) {
      const name = wanted === "" ? randomBytes(32).toString("hex") : wanted
      if (!isContainerName(name)) return yield* new VolumeNameInvalid({ name, operation: "create" })
      if (driver !== "local" && driver !== "") {
        return yield* new VolumeOptionInvalid({ name, problem: "driver", value: driver })
      }
      if (host.volumes.some((volume) => volume.name === name)) return ignore ? name : yield* new VolumeExists({ name })
      host.volumes.push({
        name,
        createdAt: yield* instant,
        labels: keyValues(label),
        options: keyValues(opt),
        files: new Map(),
        anonymous: false,
        needsCopyUp: true,
      })
      return name
    }),
    list: ({ filter }) => Effect.map(selected(filter), (found) => found.map(inspectOf)),
    inspect: (ref) => Effect.map(find(ref), inspectOf),
    exists: (ref) =>
      find(ref).pipe(
        Effect.as(true),
        Effect.catch(() => Effect.succeed(false)),
      ),
    remove: Effect.fnUntraced(function* (selection, { force }) {
      const names = selection._tag === "All" ? host.volumes.map(({ name }) => name) : selection.names
      const items = yield* Effect.forEach(names, (input) =>
        Effect.map(
          Effect.result(
            Effect.gen(function* () {
              const volume = yield* find(input)
              if (force) yield* Effect.forEach(usersOf(volume), removeContainer, { discard: true })
              const users = usersOf(volume)
              if (users.length > 0) {
                return yield* new VolumeInUse({ name: volume.name, containers: users.map(({ id }) => id) })
              }
              yield* drop(volume)
              return input
            }),
          ),
          (result) => ({ input, result }),
        ),
      )
      return force ? items.filter((item) => !isMissing(item)) : items
    }),
    prune: Effect.fnUntraced(function* ({ filter }) {
      const unused = (yield* selected(filter)).filter((volume) => usersOf(volume).length === 0)
      return yield* Effect.forEach(unused, (volume) =>
        Effect.map(Effect.result(Effect.as(drop(volume), volume.name)), (result) => ({ input: volume.name, result })),
      ) satisfies Effect.Effect<Items<string, never>>
    }),
  }
}

const isMissing = ({ result }: Item<string, { readonly _tag: string }>) =>
  result._tag === "Failure" && result.failure._tag === "VolumeNotFound"

const filterTests: Readonly<
  Record<string, (volume: MemoryVolume, value: string, users: ReadonlyArray<MemoryContainer>) => boolean>
> = {
  name: ({ name }, value) => name.includes(value),
  driver: (_, value) => value === "local",
  label: ({ labels }, value) => {
    const [key = "", wanted] = value.split(/=(.*)/s)
    return wanted === undefined ? key in labels : labels[key] === wanted
  },
  dangling: (_, value, users) => (users.length === 0) === (value === "true"),
}

const inspectOf = ({ anonymous, createdAt, labels, name, needsCopyUp, options }: MemoryVolume): VolumeInspect => ({
  Name: name,
  Driver: "local",
  Mountpoint: `memory:${name}`,
  CreatedAt: createdAt,
  Labels: labels,
  Scope: "local",
  Options: options,
  ...(anonymous ? { Anonymous: true } : {}),
  MountCount: 0,
  ...(needsCopyUp ? { NeedsCopyUp: true } : {}),
  LockNumber: 0,
})
