/** Unmount the file systems of volumes that a container has had and nobody has any more. */
import type { HostFailure } from "@cryopod/entities"
import { holdLock, isMounted, Layout, type Tools, unmountBelow } from "@cryopod/host"
import { type ContainerRecord, Containers, isActive, Volumes } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { volumesOf } from "./containerVolumes.ts"

/**
 * A container that runs, or that something is being done to, keeps its volumes mounted. The caller holds the lock of
 * the container, which does neither.
 */
export const releaseVolumes = Effect.fn("Volume.release")(function* (
  record: ContainerRecord,
): Effect.fn.Return<void, HostFailure, Layout | Volumes | Containers | Tools> {
  const layout = yield* Layout
  for (const name of volumesOf(record)) {
    const { data, lock } = layout.volume(name)
    if (!isMounted(data)) continue
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* holdLock(lock)
        const users = new Set(yield* (yield* Volumes).users(name))
        const others = (yield* (yield* Containers).list).filter(({ id }) => id !== record.id && users.has(id))
        if (others.some(({ state }) => isActive(state) || state.operation !== undefined)) return
        yield* unmountBelow(data)
      }),
    )
  }
})
