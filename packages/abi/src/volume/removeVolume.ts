/** Remove a volume: its record, in the transaction that finds no user, then its content. */
import * as fs from "node:fs"
import { join } from "node:path"
import {
  type HostFailure,
  StorageFailed,
  type ToolMissing,
  type VolumeInUse,
  type VolumeNotFound,
} from "@cryopod/entities"
import {
  attemptSync,
  dropLock,
  holdLock,
  Layout,
  mountsBelow,
  temporaryArea,
  type Tools,
  unmountBelow,
} from "@cryopod/host"
import { Volumes } from "@cryopod/runtime"
import * as Effect from "effect/Effect"

/**
 * Whoever is killed after the record is gone leaves a directory that belongs to nobody; see `createVolume`. Containers
 * in `except` are themselves about to go.
 */
export const removeVolume = Effect.fn("Volume.remove")(function* (
  name: string,
  except: ReadonlyArray<string> = [],
): Effect.fn.Return<void, HostFailure | VolumeInUse | VolumeNotFound, Layout | Volumes | Tools> {
  const { lock } = (yield* Layout).volume(name)
  yield* Effect.scoped(
    Effect.gen(function* () {
      yield* holdLock(lock)
      yield* (yield* Volumes).remove(name, except)
      yield* discardDirectory(name)
      yield* dropLock(lock)
    }),
  )
})

/**
 * Remove the directory of a volume that has no record. It leaves its place by a rename, so that what a slow removal
 * still holds is never found under the name again. The caller holds the volume's lock.
 */
export const discardDirectory = Effect.fn("Volume.discard")(function* (
  name: string,
): Effect.fn.Return<void, StorageFailed | ToolMissing, Layout | Tools> {
  const layout = yield* Layout
  const { directory } = layout.volume(name)
  if (!fs.existsSync(directory)) return
  yield* unmountBelow(directory)
  // what is mounted there is somebody else's: a removal must never reach it
  if (mountsBelow(directory).length > 0) {
    return yield* new StorageFailed({ operation: "remove", path: directory, code: "EBUSY" })
  }
  yield* Effect.scoped(
    Effect.gen(function* () {
      const area = yield* temporaryArea(layout.temporary)
      yield* attemptSync("remove", directory, () => fs.renameSync(directory, join(area, "volume")))
    }),
  )
})

/** Discard what removals and creations that were killed have left: directories without a record. */
export const sweepVolumes = Effect.fn("Volume.sweep")(function* (): Effect.fn.Return<
  void,
  HostFailure,
  Layout | Volumes | Tools
> {
  const layout = yield* Layout
  const volumes = yield* Volumes
  const names = yield* attemptSync("read", layout.volumes, () =>
    fs.existsSync(layout.volumes) ? fs.readdirSync(layout.volumes) : [],
  )
  const known = new Set((yield* volumes.list).map(({ config }) => config.name))
  for (const name of names.filter((found) => !known.has(found))) {
    const { lock } = layout.volume(name)
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* holdLock(lock)
        // it may have been on its way to becoming a volume
        const recorded = yield* Effect.result(volumes.get(name))
        if (recorded._tag === "Failure") yield* discardDirectory(name)
        yield* dropLock(lock)
      }),
    )
  }
})
