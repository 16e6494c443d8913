/** Put a container's changes over a fresh root filesystem: unpack what was added or changed, remove what was deleted. */
import * as fs from "node:fs"
import { join } from "node:path"
import {
  type ArchiveInvalid,
  CheckpointInvalid,
  MemberUnsafe,
  type StorageFailed,
  type ToolFailed,
  type ToolMissing,
} from "@cryopod/entities"
import { attemptSync, removeTree, type Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { checkpointMembers } from "./CheckpointMember.ts"
import { type UnpackDirectory, unpackDirectory } from "./DirectoryTar.ts"
import { checkParents, confined, inspectTar } from "./TarInspection.ts"

export type ReplayFailure = ArchiveInvalid | CheckpointInvalid | MemberUnsafe | StorageFailed | ToolFailed | ToolMissing

/**
 * `members` is the directory that holds the checkpoint's members; `rootfs` is mounted and nobody runs in it.
 *
 * Deleted paths go first: removing them touches the times of the directories above, which the archive then sets.
 */
export const replayRootfs = Effect.fn("RootfsReplay.replay")(function* (
  members: string,
  rootfs: string,
): Effect.fn.Return<void, ReplayFailure, Tools> {
  const list = join(members, checkpointMembers.deletedFiles.name)
  if (fs.existsSync(list)) {
    const deleted = yield* readDeleted(list)
    const paths = yield* Effect.forEach(deleted, (path) => confinedPath(rootfs, path))
    for (const path of paths) if (path !== "") yield* removeTree(join(rootfs, path))
  }
  const diff = join(members, checkpointMembers.rootfsDiff.name)
  if (fs.existsSync(diff)) yield* replayDirectory(diff, rootfs)
})

const readDeleted = Effect.fnUntraced(function* (list: string) {
  const text = yield* attemptSync("read", list, () => fs.readFileSync(list, "utf8"))
  const invalid = new CheckpointInvalid({
    source: list,
    member: checkpointMembers.deletedFiles.name,
    problem: "is not a JSON array of paths",
  })
  const paths = yield* Effect.try({ try: () => JSON.parse(text) as unknown, catch: () => invalid })
  if (paths === null) return []
  if (!Array.isArray(paths) || !paths.every((path) => typeof path === "string")) return yield* invalid
  return paths
})

/** A listed path relative to the root filesystem; refused when it would leave it or follow a link. */
const confinedPath = (rootfs: string, path: string): Effect.Effect<string, MemberUnsafe> =>
  Effect.try({
    try: () => {
      const name = confined(path)
      checkParents(rootfs, name)
      return name
    },
    catch: (cause) => {
      if (cause instanceof MemberUnsafe) return cause
      throw cause
    },
  })

/**
 * Unpack an inner archive over a directory, after it has been looked through. With `keep`, what is there stays: the
 * directory belongs to others as well.
 */
export const replayDirectory = Effect.fnUntraced(function* (
  archive: string,
  directory: string,
  existing: UnpackDirectory["existing"] = "replace",
): Effect.fn.Return<void, ReplayFailure, Tools> {
  const { conflicts, members, root } = yield* inspectTar(archive, directory)
  if (existing === "replace") for (const conflict of conflicts) yield* removeTree(conflict)
  if (members > 0 || existing === "keep") return yield* unpackDirectory({ archive, directory, existing })
  // nothing but the directory itself, as the shared memory of most containers: no program has to run for that
  if (root === undefined) return
  yield* attemptSync("restore", directory, () => {
    fs.chownSync(directory, root.uid, root.gid)
    fs.chmodSync(directory, root.mode)
  })
})
