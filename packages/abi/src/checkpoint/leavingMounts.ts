/**
 * What of a container's own mounts leaves with its checkpoint: volumes do, directories and files of this host stay. What
 * lies in memory belongs to the processes, and CRIU takes it along.
 */
import { type CheckpointTarget, type DatabaseFailed, stayingMounts, type VolumeNotFound } from "@cryopod/entities"
import { type ContainerRecord, Containers, isActive, type VolumeConfig, Volumes } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { volumesOf } from "../volume/containerVolumes.ts"

export interface LeavingMounts {
  /** What is told of the volumes that the container mounts. */
  readonly volumes: ReadonlyArray<VolumeConfig>
  /** Names of those whose content leaves as well. */
  readonly content: ReadonlyArray<string>
  /** Names of those among them that other running containers may write to. */
  readonly shared: ReadonlySet<string>
  /** What stays here, or may not be of one instant; one sentence each. */
  readonly warnings: ReadonlyArray<string>
}

export const leavingMounts = Effect.fn("checkpoint.leavingMounts")(function* (
  record: ContainerRecord,
  target: CheckpointTarget,
): Effect.fn.Return<LeavingMounts, DatabaseFailed | VolumeNotFound, Containers | Volumes> {
  if (target._tag === "Container") return { volumes: [], content: [], shared: new Set(), warnings: [] }
  const volumes = yield* Volumes
  const names = volumesOf(record)
  const records = yield* Effect.forEach(names, (name) => volumes.get(name))
  const ignored = target._tag === "Archive" && target.ignoreVolumes
  const content = ignored ? [] : names
  const shared = yield* Effect.filter(content, (name) => hasOtherWriters(record, name))
  return {
    volumes: records.map(({ config }) => config),
    content,
    shared: new Set(shared),
    warnings: [
      ...stayingMounts(record.config.mounts),
      ...shared.map((name) => `volume ${name} is mounted by other running containers, which may write to it meanwhile`),
    ],
  }
})

const hasOtherWriters = Effect.fnUntraced(function* ({ id }: ContainerRecord, name: string) {
  const users = new Set(yield* (yield* Volumes).users(name))
  const others = (yield* (yield* Containers).list).filter((other) => other.id !== id && users.has(other.id))
  return others.some(({ state }) => isActive(state))
})
