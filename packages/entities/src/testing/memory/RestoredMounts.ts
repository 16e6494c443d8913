/** What a container restored in memory mounts, and the volumes that are made for it. */
import * as Effect from "effect/Effect"
import { CheckpointInvalid } from "../../failures/CheckpointFailures.ts"
import { BindSourceMissing, type MountInvalid } from "../../failures/MountFailures.ts"
import { VolumeRestoreRefused } from "../../failures/VolumeFailures.ts"
import type { RestoreOptions } from "../../options/RestoreOptions.ts"
import type { ContainerMount } from "../../values/ContainerMount.ts"
import { replacedMounts, unmatchedReplacement } from "../../values/ReplacedMounts.ts"
import { existsSync } from "node:fs"
import { type MemoryHost, newId } from "./MemoryHost.ts"
import { ensureVolume, type MountedTrees, mountTrees } from "./MemoryMounts.ts"
import type { Snapshot } from "./Snapshot.ts"

type Failure = MountInvalid | BindSourceMissing | VolumeRestoreRefused | CheckpointInvalid

interface Restored {
  readonly mounts: ReadonlyArray<ContainerMount>
  readonly snapshot: Snapshot
}

/** Volumes of which the checkpoint has the content, by the names that they get here. */
const contentsOf = ({ mounts, snapshot }: Restored) => {
  const contents = new Map<string, Snapshot["volumes"][number]>()
  for (const before of snapshot.config.mounts) {
    const now = mounts.find(({ destination }) => destination === before.destination)
    if (before.type !== "volume" || now?.type !== "volume") continue
    const volume = snapshot.volumes.find(({ name }) => name === before.name)
    if (volume !== undefined) contents.set(now.name, volume)
  }
  return contents
}

/** Refuses what cannot be mounted, before anything is made. */
export const restoredMounts = Effect.fnUntraced(function* (
  host: MemoryHost,
  snapshot: Snapshot,
  options: RestoreOptions,
): Effect.fn.Return<ReadonlyArray<ContainerMount>, Failure> {
  const replaced = yield* Effect.fromResult(replacedMounts(options.volume))
  const before = snapshot.config.mounts
  const unmatched = unmatchedReplacement(
    replaced,
    before.filter(({ type }) => type !== "tmpfs").map(({ destination }) => destination),
  )
  if (unmatched !== undefined) return yield* unmatched
  const mounts: Array<ContainerMount> = []
  for (const mount of before) {
    const wanted = replaced.get(mount.destination)
    if (wanted !== undefined) mounts.push({ ...wanted, options: mount.options })
    else if (mount.type === "volume" && mount.anonymous && options.name !== undefined)
      mounts.push({ ...mount, name: yield* newId })
    else if (mount.type !== "bind") mounts.push(mount)
  }
  const missing = mounts.find((mount) => mount.type === "bind" && !existsSync(mount.source))
  if (missing?.type === "bind") return yield* new BindSourceMissing({ source: missing.source })
  if (options.ignoreVolumes) return mounts
  for (const [name, { files, name: known }] of contentsOf({ mounts, snapshot })) {
    if (host.volumes.some((volume) => volume.name === name)) return yield* new VolumeRestoreRefused({ name })
    if (files === undefined) {
      const problem = "is missing: the checkpoint was made without the content of its volumes, which must be ignored"
      return yield* new CheckpointInvalid({ source: snapshot.name, member: `volumes/${known}.tar`, problem })
    }
  }
  return mounts
})

/** Names of the volumes that were made. */
export const restoreVolumes = Effect.fnUntraced(function* (
  host: MemoryHost,
  restored: Restored,
  { ignoreVolumes }: RestoreOptions,
) {
  const contents = contentsOf(restored)
  const made: Array<string> = []
  for (const mount of restored.mounts) {
    if (mount.type !== "volume" || host.volumes.some(({ name }) => name === mount.name)) continue
    const { files, ...rest } = contents.get(mount.name) ?? {}
    const filled = files !== undefined && !ignoreVolumes
    yield* ensureVolume(host, {
      ...rest,
      name: mount.name,
      anonymous: mount.anonymous,
      ...(filled ? { files: new Map(files), needsCopyUp: false } : {}),
    })
    made.push(mount.name)
  }
  return made
})

export const restoredTrees = (host: MemoryHost, { mounts, snapshot }: Restored): Effect.Effect<MountedTrees> =>
  Effect.map(mountTrees(host, mounts), (trees) => {
    for (const [destination, files] of snapshot.memory) {
      for (const [path, node] of files) trees.get(destination)?.files.set(path, node)
    }
    return trees
  })

export const discardVolumes = (host: MemoryHost, names: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const made of names) {
      const at = host.volumes.findIndex(({ name }) => name === made)
      if (at !== -1) host.volumes.splice(at, 1)
    }
  })

export const notRestored =
  (mounts: ReadonlyArray<ContainerMount>, source: string) =>
  (before: ContainerMount): ReadonlyArray<string> => {
    const now = mounts.find(({ destination }) => destination === before.destination)
    if (before.type === "bind" && now === undefined)
      return [`${source}: not restored: bind mount of ${before.source} on ${before.destination}`]
    return before.type === "volume" && now?.type !== "volume"
      ? [`${source}: not restored: volume ${before.name} on ${before.destination}`]
      : []
  }
