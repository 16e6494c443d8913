/**
 * Everything that can be refused while the container still runs undisturbed: its state, the options, a target that
 * cannot be written to, space for what is about to be written.
 */
import {
  AutoRemoveRefused,
  type CheckpointOptions,
  ContainerStateImproper,
  type CriuUnfit,
  type DependentExportRefused,
  type HostFailure,
  type InfraCheckpointRefused,
  type PidNamespaceShared,
  PreCheckpointMissing,
  type ProcessStopped,
  type ReferenceInvalid,
  type VolumeNotFound,
} from "@cryopod/entities"
import { type ContainerPaths, Layout, treeBytes } from "@cryopod/host"
import {
  cgroupRoot,
  cgroupsOf,
  cgroupsPath,
  type CgroupTreatment,
  containerPaths,
  type ContainerRecord,
  hasOwnCgroups,
  treeResidentBytes,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { requireCriuConfigurable } from "../container/criuOptions.ts"
import type { AllServices } from "../EngineServices.ts"
import { type LeavingMounts, leavingMounts } from "./leavingMounts.ts"
import { hasPreCheckpoint } from "./dump.ts"
import { refuseForNeighbours } from "./neighbours.ts"
import { refuseStopped } from "./stopped.ts"
import { openSink, type Sink } from "./sink.ts"
import { requireSpace } from "./space.ts"

/** A checkpoint that nothing stands in the way of, as far as one can see. */
export interface Plan {
  readonly record: ContainerRecord
  readonly options: CheckpointOptions
  readonly paths: ContainerPaths
  readonly cgroups: CgroupTreatment
  readonly sink: Sink
  readonly mounts: LeavingMounts
}

export const preflight = Effect.fn("checkpoint.preflight")(function* (
  record: ContainerRecord,
  options: CheckpointOptions,
): Effect.fn.Return<
  Plan,
  | ContainerStateImproper
  | AutoRemoveRefused
  | ProcessStopped
  | VolumeNotFound
  | InfraCheckpointRefused
  | PidNamespaceShared
  | PreCheckpointMissing
  | DependentExportRefused
  | CriuUnfit
  | ReferenceInvalid
  | HostFailure,
  AllServices | Scope.Scope
> {
  const { config, id, state } = record
  const parts = preflightParts(record, options)
  yield* parts.state
  yield* parts.processes
  yield* parts.criu
  yield* parts.neighbours
  const layout = yield* Layout
  const paths = containerPaths(layout, config)
  const mounts = yield* parts.mounts
  const sink = yield* parts.destination
  yield* requireSpace(layout.root, sink, yield* leavingBytes(record, options, { mounts, sink }))
  const cgroups = hasOwnCgroups(cgroupsOf(state.pid), cgroupsPath(id), cgroupRoot()) ? "manage" : "ignore"
  return { record, options, paths, cgroups, sink, mounts }
})

/** What is asked while the container runs undisturbed, each by itself. */
export const preflightParts = (record: ContainerRecord, options: CheckpointOptions) => {
  const { config, id, state } = record
  return {
    state: Effect.gen(function* () {
      if (state.status !== "running")
        return yield* new ContainerStateImproper({ id, state: state.status, operation: "checkpoint" })
      if (config.autoRemove && options.target._tag === "Container") return yield* new AutoRemoveRefused({ id })
      const paths = containerPaths(yield* Layout, config)
      if (options.phase === "withPrevious" && !hasPreCheckpoint(paths)) return yield* new PreCheckpointMissing({ id })
    }),
    processes: refuseStopped(record),
    criu: requireCriuConfigurable(config.runtime, options),
    neighbours: refuseForNeighbours(record, options.target),
    mounts: leavingMounts(record, options.target),
    destination: openSink(options.target),
  }
}

/** How much of a container would be written where. */
export const leavingBytes = Effect.fnUntraced(function* (
  { state }: ContainerRecord,
  { leaveRunning }: CheckpointOptions,
  { mounts, sink }: Pick<Plan, "mounts" | "sink">,
) {
  const layout = yield* Layout
  const sizes = yield* Effect.forEach(mounts.content, (name) =>
    Effect.map(treeBytes(layout.volume(name).data), (bytes) => ({ name, bytes })),
  )
  // see `packed`
  const aside = sink._tag === "Archive" && !leaveRunning ? mounts.shared : new Set(mounts.content)
  return {
    memory: treeResidentBytes(state.pid),
    volumes: totalBytes(sizes),
    aside: totalBytes(sizes.filter(({ name }) => aside.has(name))),
    sizes,
  }
})

const totalBytes = (sizes: ReadonlyArray<{ readonly bytes: number }>): number =>
  sizes.reduce((sum, { bytes }) => sum + bytes, 0)
