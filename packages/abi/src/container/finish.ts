/** What is taken down when a container has stopped: runtime state, mounts, its place on networks, files of this boot. */
import { join } from "node:path"
import type { HostFailure, ToolMissing } from "@cryopod/entities"
import { type ContainerPaths, Layout, removeTree } from "@cryopod/host"
import { type ContainerRecord, OciRuntime, removeCgroups, unmountContainer } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type { EngineServices } from "../EngineServices.ts"
import { disconnectNetworks } from "../network/disconnectNetworks.ts"
import { releaseVolumes } from "../volume/releaseVolumes.ts"

/** The runtime's part of it, and the cgroups. Idempotent. */
export const forget = Effect.fnUntraced(function* ({
  config,
  id,
}: ContainerRecord): Effect.fn.Return<void, ToolMissing, OciRuntime> {
  yield* (yield* OciRuntime).delete(config.runtime, id)
  yield* removeCgroups(id)
})

/** Idempotent; the container's record, root filesystem, log and checkpoint stay. */
export const finishStopped = Effect.fnUntraced(function* (
  record: ContainerRecord,
  /** Elsewhere it may be under way. */
  forgotten: Effect.Effect<void, ToolMissing, OciRuntime> = forget(record),
): Effect.fn.Return<void, HostFailure, EngineServices> {
  const paths = (yield* Layout).container(record.id)
  const ended = Effect.andThen(forgotten, Effect.forEach([paths.run, ...ofConmon(paths)], removeTree))
  // neither waits for the other: what is still in use is unmounted when it is not
  yield* Effect.all([ended, unmountContainer(paths)], { concurrency: "unbounded" })
  yield* releaseVolumes(record)
  yield* disconnectNetworks(record)
  yield* removeTree(paths.shm)
})

/** Its sockets and pipes of this run. */
const ofConmon = ({ userdata }: ContainerPaths) => ["attach", "ctl", "winsz"].map((name) => join(userdata, name))
