/** Remove every trace of a container that does not run. */
import type { HostFailure } from "@cryopod/entities"
import { dropLock, Layout, removeTree } from "@cryopod/host"
import { type ContainerRecord, Containers } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type { EngineServices } from "../EngineServices.ts"
import { discardVolumes } from "../volume/containerVolumes.ts"
import { releasePackets } from "../network/releasePackets.ts"
import { finishStopped } from "./finish.ts"

/**
 * The record goes last, so that a removal that is interrupted can be taken up again. The caller holds the lock, and
 * has seen to it that no process of the container is left.
 */
export const erase = Effect.fnUntraced(function* (
  record: ContainerRecord,
): Effect.fn.Return<void, HostFailure, EngineServices> {
  const paths = (yield* Layout).container(record.id)
  yield* finishStopped(record)
  if (record.state.checkpointed) yield* releasePackets(record)
  yield* removeTree(paths.directory)
  yield* removeTree(paths.exitFile)
  yield* discardVolumes(record)
  yield* (yield* Containers).remove(record.id)
  yield* dropLock(paths.lock)
})
