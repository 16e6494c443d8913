/**
 * The volumes of a container that is made from a checkpoint: each is made with the content that it had then, and nothing of
 * an image comes on top. Without their content, volumes that are there already are mounted as they are.
 *
 * They carry the container's id until it is complete, and go with it when that fails.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { type MemberDirectory, replayDirectory } from "@cryopod/checkpoint"
import {
  BindSourceMissing,
  CheckpointInvalid,
  type DatabaseFailed,
  type HostFailure,
  VolumeRestoreRefused,
} from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import { type ContainerRecord, Volumes } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { repairAbandoned } from "../container/ContainerScope.ts"
import { readSpec } from "../container/bundle.ts"
import { makeVolume } from "../volume/createVolume.ts"
import { fillVolume } from "../volume/fillVolume.ts"
import { attachVolumes } from "../volume/prepareMounts.ts"
import type { EngineServices } from "../EngineServices.ts"
import type { ImportedMounts, ImportedVolume } from "./importedVolumes.ts"
import type { OpenedCheckpoint } from "./open.ts"

/** What is to be mounted can be: asked before anything is made. */
export const refuseMounts = Effect.fn("restore.refuseMounts")(function* (
  { members, source }: OpenedCheckpoint,
  { mounts, volumes }: Pick<ImportedMounts, "mounts" | "volumes">,
): Effect.fn.Return<void, BindSourceMissing | VolumeRestoreRefused | CheckpointInvalid | HostFailure, EngineServices> {
  for (const mount of mounts) {
    if (mount.type === "bind" && !fs.existsSync(mount.source))
      return yield* new BindSourceMissing({ source: mount.source })
  }
  for (const { member, name } of volumes) {
    if (member === undefined) continue
    if (yield* isTaken(name)) return yield* new VolumeRestoreRefused({ name })
    if (!fs.existsSync(join(members, member))) {
      const problem = "is missing: the checkpoint was made without the content of its volumes, which must be ignored"
      return yield* new CheckpointInvalid({ source, member, problem })
    }
  }
})

/** What a restore that has died left behind takes nobody's name. */
const isTaken = Effect.fnUntraced(function* (name: string) {
  const maker = yield* makerOf(name)
  if (maker === undefined || maker === "") return maker !== undefined
  yield* repairAbandoned(({ id }) => id === maker)
  return (yield* makerOf(name)) !== undefined
})

/** Id of the container that the volume was made for and that is not complete; empty without one; absent without the volume. */
const makerOf = (name: string): Effect.Effect<string | undefined, DatabaseFailed, Volumes> =>
  Effect.flatMap(Volumes, (volumes) => volumes.get(name)).pipe(
    Effect.map(({ state }) => state.madeFor ?? ""),
    Effect.catchTag("VolumeNotFound", () => Effect.succeed(undefined)),
  )

/** The root filesystem is mounted and nobody runs in it. */
export const restoreVolumes = Effect.fn("restore.volumes")(function* (
  record: ContainerRecord,
  volumes: ReadonlyArray<ImportedVolume>,
  { checkpoint, ignoreVolumes }: { readonly checkpoint: MemberDirectory; readonly ignoreVolumes: boolean },
) {
  const layout = yield* Layout
  const filled = volumes.flatMap(({ member, name }) =>
    ignoreVolumes || member === undefined ? [] : [{ member, name }],
  )
  const own = new Set(filled.map(({ name }) => name))
  for (const { member: _, ...volume } of volumes) {
    const content = own.has(volume.name)
    yield* makeVolume({ ...volume, driver: "local", madeFor: record.id, filled: content }).pipe(
      Effect.catchTag("VolumeExists", (failure) => (content ? Effect.fail(failure) : Effect.void)),
    )
  }
  yield* attachVolumes(record)
  for (const { member, name } of filled) yield* replayDirectory({ ...checkpoint, member }, layout.volume(name).data)
  yield* fillNew(record)
})

/** A volume that has no content yet gets what it would get at any first start. */
const fillNew = Effect.fnUntraced(function* (record: ContainerRecord) {
  const paths = (yield* Layout).container(record.id)
  const { user } = (yield* readSpec(paths)).process
  for (const mount of record.config.mounts) {
    if (mount.type === "volume") yield* fillVolume({ mount, owner: user, rootfs: paths.merged })
  }
})
