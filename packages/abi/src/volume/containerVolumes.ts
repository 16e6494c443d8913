/**
 * The volumes of a container that is being made: they are made with it, and go with it when that fails.
 *
 * The container is recorded first, so that a volume it names is in use from then on, and is made here if it is not
 * there (any more). A volume that is made carries the container's id until the container is complete.
 */
import type { DatabaseFailed, HostFailure, VolumeFailure } from "@cryopod/entities"
import type { Layout, Tools } from "@cryopod/host"
import { type ContainerRecord, Volumes } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { makeVolume } from "./createVolume.ts"
import { removeVolume } from "./removeVolume.ts"

type Services = Layout | Volumes | Tools

/** Names of the volumes that a container mounts, each once. */
export const volumesOf = ({ config }: ContainerRecord): ReadonlyArray<string> => [
  ...new Set(config.mounts.flatMap((mount) => (mount.type === "volume" ? [mount.name] : []))),
]

/** Names of those among them that nobody named. */
const anonymousVolumesOf = ({ config }: ContainerRecord): ReadonlyArray<string> =>
  config.mounts.flatMap((mount) => (mount.type === "volume" && mount.anonymous ? [mount.name] : []))

/** Make the volumes that are not there. */
export const ensureVolumes = Effect.fn("Volume.ensure")(function* (
  record: ContainerRecord,
): Effect.fn.Return<void, VolumeFailure, Services> {
  const anonymous = new Set(anonymousVolumesOf(record))
  for (const name of volumesOf(record)) {
    yield* makeVolume({
      name,
      driver: "local",
      labels: {},
      options: {},
      anonymous: anonymous.has(name),
      madeFor: record.id,
      filled: false,
    }).pipe(Effect.catchTag("VolumeExists", () => Effect.void))
  }
})

/** The container is complete: what was made for it stays. Must precede the removal of its operation marker. */
export const keepVolumes = Effect.fn("Volume.keep")(function* (
  record: ContainerRecord,
): Effect.fn.Return<void, DatabaseFailed, Volumes> {
  const volumes = yield* Volumes
  for (const name of yield* volumes.madeFor(record.id)) {
    yield* volumes
      .update(name, ({ madeFor: _, ...state }) => state)
      .pipe(Effect.catchTag("VolumeNotFound", () => Effect.void))
  }
})

/**
 * Remove the volumes that go with a container: those made for it while it was never completed, and the anonymous ones
 * when that is wished. Volumes that another container uses stay.
 */
export const discardVolumes = Effect.fn("Volume.discardOf")(function* (
  record: ContainerRecord,
): Effect.fn.Return<void, HostFailure, Services> {
  const { config, state } = record
  const unfinished = state.operation === "create" || state.operation === "import"
  const made = unfinished ? yield* (yield* Volumes).madeFor(record.id) : []
  const anonymous = config.autoRemove || state.removeVolumes === true ? anonymousVolumesOf(record) : []
  for (const name of new Set([...made, ...anonymous])) {
    yield* removeVolume(name, [record.id]).pipe(
      Effect.catchTags({ VolumeNotFound: () => Effect.void, VolumeInUse: () => Effect.void }),
    )
  }
  // one that has found another user is that one's now
  yield* keepVolumes(record)
})
