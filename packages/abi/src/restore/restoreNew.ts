/**
 * Make a container from an opened checkpoint, whatever it was opened from, and let it go on where it left off:
 *
 *   preflight → record → stage → volumes → replay → run → settle
 */
import { join } from "node:path"
import { checkpointMembers } from "@cryopod/checkpoint"
import type { RestoreFailure, RestoreOptions, RestoreReport, RuntimeName } from "@cryopod/entities"
import { holdLock, Layout } from "@cryopod/host"
import { ImageStore } from "@cryopod/images"
import { bindPorts, type ContainerRecord, Containers, initialState } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { neededOptions } from "../container/criuOptions.ts"
import { erase } from "../container/erase.ts"
import { joining } from "../container/joining.ts"
import type { JoinedPod } from "../container/membership.ts"
import { startAlone } from "../container/start.ts"
import { choosePolicy, type HeldRestore } from "../policy/choosePolicy.ts"
import { heldToPolicy } from "../policy/holdToPolicy.ts"
import { knownHoles } from "../policy/knownHoles.ts"
import { checkMountTargets } from "../policy/mountTargets.ts"
import { joinedPod } from "../pod/joinedPod.ts"
import { keepVolumes } from "../volume/containerVolumes.ts"
import type { AllServices } from "../EngineServices.ts"
import { Probes } from "../system/Probes.ts"
import { requireNetworks } from "../network/attachmentsOf.ts"
import { connectNetworks } from "../network/connectNetworks.ts"
import { writeNameFiles } from "../network/nameFiles.ts"
import { formerPlaces } from "./formerPlaces.ts"
import type { OpenedCheckpoint } from "./open.ts"
import { type Import, preflight } from "./preflight.ts"
import { replay } from "./replay.ts"
import { restoreVolumes } from "./restoreVolumes.ts"
import { runRestored } from "./run.ts"
import { settleRestored } from "./settle.ts"
import { stage } from "./stage.ts"

export const restoreNew = Effect.fn("restore.new")(function* (
  opened: OpenedCheckpoint,
  options: RestoreOptions,
): Effect.fn.Return<RestoreReport, RestoreFailure, AllServices> {
  const held = yield* choosePolicy(opened, options)
  return yield* held.pod === undefined
    ? restoreInto(opened, held, undefined)
    : joinedPod(held.pod, (pod) => restoreInto(opened, held, pod))
})

/** With a pod, the caller holds its lock. */
const restoreInto = Effect.fnUntraced(function* (
  opened: OpenedCheckpoint,
  options: HeldRestore,
  pod: JoinedPod | undefined,
) {
  const wanted = yield* preflight(opened, options, pod)
  // whoever finds an unfinished import and gets its lock takes its maker for dead
  yield* holdLock((yield* Layout).container(wanted.config.id).lock)
  const record: ContainerRecord = {
    id: wanted.config.id,
    name: wanted.name,
    config: wanted.config,
    state: { ...initialState, operation: "import", checkpointNeeds: neededOptions(options, opened.needs) },
  }
  return yield* joining(record, startAlone, restoreAlone(record, { ...wanted, opened }, options))
}, Effect.scoped)

/** Everything it joins runs; its lock and theirs are held. */
const restoreAlone = Effect.fnUntraced(function* (
  record: ContainerRecord,
  { dropped: unmounted, opened, volumes }: Pick<Import, "volumes" | "dropped"> & { readonly opened: OpenedCheckpoint },
  options: HeldRestore,
) {
  const holes = heldToPolicy(opened, options) ? yield* holesOf(record.config.runtime) : []
  yield* recordImport(record, opened)
  const { dropped, running } = yield* Effect.gen(function* () {
    yield* requireNetworks(record.config.attachments ?? [])
    const sockets = yield* bindPorts(record.config.ports ?? [])
    // under another name it is another container, which must not have the addresses of the first
    const former =
      options.name === undefined
        ? yield* formerPlaces(join(opened.members, checkpointMembers.networkStatus.name), options)
        : undefined
    const placed = connectNetworks(record, former)
    const { staged, status } = yield* Effect.all(
      { staged: stage(record, opened, options), status: placed },
      { concurrency: "unbounded" },
    )
    yield* restoreVolumes(record, volumes, { checkpoint: opened, ignoreVolumes: options.ignoreVolumes })
    yield* writeNameFiles(record, { status, begins: true })
    yield* replay(record, opened, options)
    if (heldToPolicy(opened, options)) {
      yield* checkMountTargets(opened.source, (yield* Layout).container(record.id).merged, opened.spec.mounts)
    }
    const { dropped, imagesDirectory } = staged
    const { fileLocks, tcp } = options
    const needs = neededOptions(options, opened.needs)
    const request = { imagesDirectory, namespaces: "other" as const, tcp, fileLocks, needs, sockets }
    return { dropped, running: yield* runRestored(record, request) }
  }).pipe(
    Effect.scoped,
    Effect.onError(() => Effect.ignore(erase(record))),
  )
  yield* keepVolumes(record)
  yield* settleRestored(record, running, options)
  return {
    Id: record.id,
    runtime_restore_duration: running.runtimeMicros,
    criu_statistics: running.statistics,
    warnings: [
      ...opened.warnings,
      ...holes.map((hole) => `${opened.source}: restored by a ${record.config.runtime} with a known hole: ${hole}`),
      ...[...unmounted, ...dropped].map((what) => `${opened.source}: not restored: ${what}`),
    ],
  }
})

const holesOf = Effect.fnUntraced(function* (runtime: RuntimeName) {
  return knownHoles(runtime, yield* (yield* Probes).runtimeVersion(runtime))
})

/** With the store's lock held, no image that is needed can go between the look and the record that keeps it. */
const recordImport = Effect.fnUntraced(function* (record: ContainerRecord, { imageId }: OpenedCheckpoint) {
  const containers = yield* Containers
  const store = yield* ImageStore
  const needed = [record.config.imageId, ...(imageId === undefined ? [] : [imageId])]
  yield* store.locked(
    Effect.andThen(
      Effect.forEach(needed, (id) => store.get(id)),
      containers.insert(record),
    ),
  )
})
