/** Restore a container in place, from the checkpoint that lies in its bundle. */
import {
  CheckpointMissing,
  ContainerStateImproper,
  type RestoreFailure,
  type RestoreOptions,
  type RestoreReport,
} from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import { type ContainerRecord, Containers, isActive } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { writeEngineFiles } from "../container/bundle.ts"
import { finishStopped } from "../container/finish.ts"
import { hasCompleteDump } from "../container/repair.ts"
import { joining, writeJoinedNamespaces } from "../container/joining.ts"
import { mountRootfs, startAlone } from "../container/start.ts"
import type { AllServices } from "../EngineServices.ts"
import { replaySharedMemory } from "./replay.ts"
import { attachVolumes } from "../volume/prepareMounts.ts"
import { runRestored } from "./run.ts"
import { settleRestored } from "./settle.ts"

/** The caller holds the container's lock. */
export const restoreContainer = Effect.fn("restore.container")(function* (
  record: ContainerRecord,
  options: RestoreOptions,
): Effect.fn.Return<RestoreReport, RestoreFailure, AllServices> {
  const { id, state } = record
  const paths = (yield* Layout).container(id)
  if (isActive(state)) return yield* new ContainerStateImproper({ id, state: state.status, operation: "restore" })
  if (!(yield* hasCompleteDump(paths))) return yield* new CheckpointMissing({ id })
  return yield* joining(record, startAlone, restoreAlone(record, options))
})

/** Everything it joins runs; its lock and theirs are held. */
const restoreAlone = Effect.fnUntraced(function* (record: ContainerRecord, options: RestoreOptions) {
  const { id } = record
  const paths = (yield* Layout).container(id)
  const containers = yield* Containers
  yield* containers.update(id, (before) => ({ ...before, operation: "restore" }))
  const running = yield* Effect.gen(function* () {
    yield* mountRootfs(record)
    yield* attachVolumes(record)
    yield* writeEngineFiles(paths, record.config, record.name)
    yield* writeJoinedNamespaces(record)
    yield* replaySharedMemory(record, { members: paths.userdata, source: record.name })
    return yield* runRestored(record, { imagesDirectory: paths.checkpoint, namespaces: "same", ...options })
  }).pipe(Effect.onError(() => Effect.ignore(undo(record))))
  yield* settleRestored(record, running, options)
  return {
    Id: id,
    runtime_restore_duration: running.runtimeMicros,
    criu_statistics: running.statistics,
    warnings: [],
  }
})

/** The container is as it was: stopped, with its checkpoint. */
const undo = Effect.fnUntraced(function* (record: ContainerRecord) {
  yield* finishStopped(record)
  yield* (yield* Containers).update(record.id, () => record.state)
})
