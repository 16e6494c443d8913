/** Restore a container in place, from the checkpoint that lies in its bundle. */
import { ContainerStateImproper, type RestoreFailure, type RestoreOptions, type RestoreReport } from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import { bindPorts, type ContainerRecord, Containers, isActive } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { requireFit } from "../compatibility/fit.ts"
import { writeEngineFiles } from "../container/bundle.ts"
import { finishStopped } from "../container/finish.ts"
import { requireCompleteDump } from "../container/repair.ts"
import { joining, writePlacedNamespaces } from "../container/joining.ts"
import { mountRootfs, startAlone } from "../container/start.ts"
import type { AllServices } from "../EngineServices.ts"
import { connectNetworks } from "../network/connectNetworks.ts"
import { writeNameFiles } from "../network/nameFiles.ts"
import { formerPlaces, withoutStatic } from "./formerPlaces.ts"
import { replaySharedMemory } from "./replay.ts"
import { attachVolumes } from "../volume/prepareMounts.ts"
import { neededOptions, requireCriuConfigurable } from "../container/criuOptions.ts"
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
  yield* requireCompleteDump(id, paths)
  const fitting = { source: record.name, imagesDirectory: paths.checkpoint, annotations: {}, architecture: "" }
  yield* requireFit(fitting, options.force)
  yield* requireCriuConfigurable(record.config.runtime, neededOptions(options, state.checkpointNeeds))
  return yield* joining(record, startAlone, restoreAlone(record, options))
})

/** Everything it joins runs; its lock and theirs are held. */
const restoreAlone = Effect.fnUntraced(function* (before: ContainerRecord, options: RestoreOptions) {
  const { id } = before
  const paths = (yield* Layout).container(id)
  const containers = yield* Containers
  yield* containers.update(id, (state) => ({ ...state, operation: "restore" }))
  const record = yield* containers.configure(id, (config) => withoutStatic(config, options))
  const running = yield* Effect.gen(function* () {
    const sockets = yield* bindPorts(record.config.ports ?? [])
    const files = Effect.andThen(mountRootfs(record), attachVolumes(record))
    const placed = Effect.flatMap(formerPlaces(paths.networkStatus, options), (former) =>
      connectNetworks(record, former),
    )
    const { status } = yield* Effect.all({ files, status: placed }, { concurrency: "unbounded" })
    yield* writeEngineFiles(paths, record.config)
    yield* writeNameFiles(record, { status, begins: false })
    yield* writePlacedNamespaces(record)
    yield* replaySharedMemory(record, { members: paths.userdata, source: record.name })
    const { fileLocks, tcp } = options
    const needs = neededOptions(options, record.state.checkpointNeeds)
    const request = { imagesDirectory: paths.checkpoint, namespaces: "same" as const, tcp, fileLocks, needs, sockets }
    return yield* runRestored(record, request)
  }).pipe(
    Effect.scoped,
    Effect.onError(() => Effect.ignore(undo(before))),
  )
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
