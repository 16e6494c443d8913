/** Start a created or stopped container from the beginning. */
import type { BindSourceMissing, ContainerFailure, ImageFailure, VolumeFailure } from "@cryopod/entities"
import { ContainerStateImproper } from "@cryopod/entities"
import { Layout, removeTree } from "@cryopod/host"
import { RootFilesystems } from "@cryopod/images"
import {
  Conmon,
  type ContainerRecord,
  Containers,
  isActive,
  mountContainer,
  OciRuntime,
  sharesMemory,
} from "@cryopod/runtime"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { AllServices } from "../EngineServices.ts"
import { prepareMounts } from "../volume/prepareMounts.ts"
import { beginHealth } from "../health/healthTimer.ts"
import { writeEngineFiles } from "./bundle.ts"
import { finishStopped } from "./finish.ts"
import { joining, writeJoinedNamespaces } from "./joining.ts"
import { runningState } from "./repair.ts"

export type StartFailure = ContainerFailure | ImageFailure | VolumeFailure | BindSourceMissing

/** The caller holds the lock. A running container stays as it is. */
export const start = Effect.fn("Container.start")(function* (
  record: ContainerRecord,
): Effect.fn.Return<string, StartFailure, AllServices> {
  const { id, state } = record
  if (state.status === "running") return id
  if (isActive(state)) return yield* new ContainerStateImproper({ id, state: state.status, operation: "start" })
  return yield* joining(record, startAlone, startAlone(record))
})

/** Everything it joins runs; its lock and theirs are held. */
export const startAlone = Effect.fnUntraced(function* (
  record: ContainerRecord,
): Effect.fn.Return<string, StartFailure, AllServices> {
  const { config, id } = record
  const containers = yield* Containers
  const paths = (yield* Layout).container(id)

  yield* containers.update(id, (before) => ({ ...before, operation: "start" }))
  const started = yield* Effect.gen(function* () {
    yield* mountRootfs(record)
    yield* prepareMounts(record)
    yield* writeEngineFiles(paths, config, record.name)
    yield* writeJoinedNamespaces(record)
    const { conmonPid, pid } = yield* (yield* Conmon).launch(record)
    yield* (yield* OciRuntime).start(config.runtime, id)
    return runningState(pid, conmonPid)
  }).pipe(Effect.onError(() => Effect.ignore(undo(record))))
  const startedAt = DateTime.formatIso(yield* DateTime.now)
  // a start from the beginning leaves nothing of an earlier checkpoint
  yield* removeTree(paths.checkpoint)
  yield* containers.update(id, () => ({ ...started, exitCode: 0, startedAt, restored: false }))
  yield* beginHealth(record, "start")
  return id
})

/** Mount the container's root filesystem and shared memory, as far as they are not. */
export const mountRootfs = Effect.fnUntraced(function* (record: ContainerRecord) {
  const lower = yield* (yield* RootFilesystems).unpacked(record.config.imageId)
  const { config } = record
  yield* mountContainer((yield* Layout).container(record.id), {
    lower,
    ...(sharesMemory(config) ? {} : { shmSizeBytes: config.shmSizeBytes }),
  })
})

const undo = Effect.fnUntraced(function* (record: ContainerRecord) {
  yield* finishStopped(record)
  yield* (yield* Containers).update(record.id, () => record.state)
})
