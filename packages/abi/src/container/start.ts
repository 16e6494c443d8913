/** Start a created or stopped container from the beginning. */
import type {
  BindSourceMissing,
  ContainerFailure,
  ImageFailure,
  PlacementFailure,
  VolumeFailure,
} from "@cryopod/entities"
import { ContainerStateImproper } from "@cryopod/entities"
import { Layout, removeTree } from "@cryopod/host"
import { RootFilesystems } from "@cryopod/images"
import {
  bindPorts,
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
import { connectNetworks } from "../network/connectNetworks.ts"
import { releasePackets } from "../network/releasePackets.ts"
import { writeNameFiles } from "../network/nameFiles.ts"
import { prepareMounts } from "../volume/prepareMounts.ts"
import { beginHealth } from "../health/healthTimer.ts"
import { writeEngineFiles } from "./bundle.ts"
import { finishStopped } from "./finish.ts"
import { placeProcess } from "./placeProcess.ts"
import { joining, writePlacedNamespaces } from "./joining.ts"
import { runningState } from "./repair.ts"

export type StartFailure = ContainerFailure | ImageFailure | VolumeFailure | PlacementFailure | BindSourceMissing

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
    const sockets = yield* bindPorts(config.ports ?? [])
    const files = Effect.all([mountRootfs(record), placeProcess(record), prepareMounts(record)])
    const { status } = yield* Effect.all({ files, status: connectNetworks(record) }, { concurrency: "unbounded" })
    yield* writeEngineFiles(paths, config)
    yield* writeNameFiles(record, { status, begins: true })
    yield* writePlacedNamespaces(record)
    if (record.state.checkpointed) yield* releasePackets(record)
    const { conmonPid, pid } = yield* (yield* Conmon).launch(record, { sockets })
    yield* (yield* OciRuntime).start(config.runtime, id)
    return runningState(pid, conmonPid)
  }).pipe(
    Effect.scoped,
    Effect.onError(() => Effect.ignore(undo(record))),
    Effect.tapError(({ message }) => containers.update(id, (before) => ({ ...before, startError: message }))),
  )
  const startedAt = DateTime.formatIso(yield* DateTime.now)
  // a start from the beginning leaves nothing of an earlier checkpoint
  yield* removeTree(paths.checkpoint)
  yield* containers.update(id, ({ networkStatus }) => ({
    ...started,
    exitCode: 0,
    startedAt,
    restored: false,
    ...(networkStatus === undefined ? {} : { networkStatus }),
  }))
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
