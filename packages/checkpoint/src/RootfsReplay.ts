/** Put a container's changes over a fresh root filesystem: unpack what was added or changed, remove what was deleted. */
import * as fs from "node:fs"
import { join } from "node:path"
import { CheckpointInvalid, MemberUnsafe, type StorageFailed, type ToolMissing } from "@cryopod/entities"
import { attemptSync, removeTree, type Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { checkpointMembers } from "./CheckpointMember.ts"
import { type UnpackDirectory, unpackDirectory } from "./DirectoryTar.ts"
import { checkParents, confined, inspectTar } from "./TarInspection.ts"

export type ReplayFailure = CheckpointInvalid | StorageFailed | ToolMissing

/** Members of a checkpoint that lie unpacked in a directory; `source` is what its owner calls it. */
export interface MemberDirectory {
  readonly source: string
  readonly members: string
}

/**
 * `rootfs` is mounted and nobody runs in it.
 *
 * Deleted paths go first: removing them touches the times of the directories above, which the archive then sets.
 */
export const replayRootfs = Effect.fn("RootfsReplay.replay")(function* (
  checkpoint: MemberDirectory,
  rootfs: string,
): Effect.fn.Return<void, ReplayFailure, Tools> {
  const { members } = checkpoint
  if (fs.existsSync(join(members, checkpointMembers.deletedFiles.name))) {
    const deleted = yield* readDeleted(checkpoint)
    const paths = yield* Effect.forEach(deleted, (path) => confinedPath(rootfs, path)).pipe(
      Effect.mapError(({ message }) => invalid(checkpoint, checkpointMembers.deletedFiles.name, message)),
    )
    for (const path of paths) if (path !== "") yield* removeTree(join(rootfs, path))
  }
  const diff = checkpointMembers.rootfsDiff.name
  if (fs.existsSync(join(members, diff))) yield* replayDirectory({ ...checkpoint, member: diff }, rootfs)
})

const invalid = ({ source }: MemberDirectory, member: string, problem: string) =>
  new CheckpointInvalid({ source, member, problem })

const readDeleted = Effect.fnUntraced(function* (checkpoint: MemberDirectory) {
  const member = checkpointMembers.deletedFiles.name
  const list = join(checkpoint.members, member)
  const text = yield* attemptSync("read", list, () => fs.readFileSync(list, "utf8"))
  const problem = invalid(checkpoint, member, "is not a JSON array of paths")
  const paths = yield* Effect.try({ try: () => JSON.parse(text) as unknown, catch: () => problem })
  if (paths === null) return []
  if (!Array.isArray(paths) || !paths.every((path) => typeof path === "string")) return yield* problem
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

/** A member that is an archive itself. */
export interface InnerArchive extends MemberDirectory {
  readonly member: string
}

/**
 * Unpack an inner archive over a directory, after it has been looked through. With `keep`, what is there stays: the
 * directory belongs to others as well.
 */
export const replayDirectory = Effect.fnUntraced(function* (
  inner: InnerArchive,
  directory: string,
  existing: UnpackDirectory["existing"] = "replace",
): Effect.fn.Return<void, ReplayFailure, Tools> {
  const archive = join(inner.members, inner.member)
  const damaged = (problem: string) => invalid(inner, inner.member, problem)
  const { conflicts, members, parts, root } = yield* inspectTar(archive, directory).pipe(
    Effect.mapError((failure) =>
      damaged(failure instanceof MemberUnsafe ? `its ${failure.message}` : `is no tar archive: ${failure.problem}`),
    ),
  )
  if (existing === "replace") for (const conflict of conflicts) yield* removeTree(conflict)
  if (members > 0 || existing === "keep") {
    return yield* unpackDirectory({ archive, directory, existing, ...(parts === undefined ? {} : { parts }) }).pipe(
      Effect.catchTag("ToolFailed", ({ detail }) => Effect.fail(damaged(`cannot be unpacked: ${detail}`))),
    )
  }
  // nothing but the directory itself, as the shared memory of most containers: no program has to run for that
  if (root === undefined) return
  yield* attemptSync("restore", directory, () => {
    fs.chownSync(directory, root.uid, root.gid)
    fs.chmodSync(directory, root.mode)
  })
})
