/** What is taken down when a container has stopped: runtime state, mounts, its place on networks, files of this boot. */
import * as fs from "node:fs"
import type { HostFailure } from "@cryopod/entities"
import { attemptSync, Layout } from "@cryopod/host"
import { type ContainerRecord, OciRuntime, removeCgroups, unmountContainer } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type { EngineServices } from "../EngineServices.ts"
import { disconnectNetworks } from "../network/disconnectNetworks.ts"
import { releaseVolumes } from "../volume/releaseVolumes.ts"

/** Idempotent; the container's record, root filesystem, log and checkpoint stay. */
export const finishStopped = Effect.fnUntraced(function* (
  record: ContainerRecord,
): Effect.fn.Return<void, HostFailure, EngineServices> {
  const runtime = yield* OciRuntime
  const paths = (yield* Layout).container(record.id)
  // neither waits for the other: what is still in use is unmounted when it is not
  const forgotten = Effect.andThen(runtime.delete(record.config.runtime, record.id), removeCgroups(record.id))
  yield* Effect.all([forgotten, unmountContainer(paths)], { concurrency: "unbounded" })
  yield* releaseVolumes(record)
  yield* disconnectNetworks(record)
  yield* attemptSync("remove", paths.run, () => {
    fs.rmSync(paths.run, { recursive: true, force: true })
    // conmon's sockets and pipes of this run
    for (const name of ["attach", "ctl", "winsz", "shm"]) {
      fs.rmSync(`${paths.userdata}/${name}`, { recursive: true, force: true })
    }
  })
})
