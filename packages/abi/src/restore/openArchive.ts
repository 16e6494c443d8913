/**
 * Open a checkpoint archive: unpacked in one pass into an area of its own, on the file system of the containers, from
 * where its files move into the bundle. The area goes with the scope.
 */
import { createHash, type Hash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { decompressed, unpack, type UnpackRules } from "@cryopod/archive"
import { checkpointMembers, checkpointRules, memberOf } from "@cryopod/checkpoint"
import {
  type ArchiveInvalid,
  type ArchiveSource,
  CheckpointInvalid,
  counted,
  type DatabaseFailed,
  type MemberUnsafe,
  Progress,
  type StorageFailed,
} from "@cryopod/entities"
import {
  attemptSync,
  availableBytes,
  type Database,
  Layout,
  makeDirectory,
  openSource,
  temporaryArea,
} from "@cryopod/host"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { originOf, recognized } from "../policy/Origins.ts"
import { type OpenedCheckpoint, readMembers } from "./open.ts"

/** `previous` is the archive of the pre-checkpoint that the checkpoint builds on. */
export const openArchive = Effect.fn("restore.openArchive")(function* (
  archive: ArchiveSource,
  previous: ArchiveSource | undefined,
  /** Of what is only looked at, less comes to the disk. */
  parts?: UnpackRules["parts"],
): Effect.fn.Return<
  OpenedCheckpoint,
  CheckpointInvalid | ArchiveInvalid | MemberUnsafe | StorageFailed | DatabaseFailed,
  Database | Layout | Scope.Scope
> {
  const source = nameOf(archive)
  const area = yield* temporaryArea((yield* Layout).temporary)
  const members = join(area, "members")
  const { digest, passedOver } = yield* unpackInto(archive, members, () => true, parts)
  const before = previous === undefined ? [] : [yield* addPrevious(previous, area, members)]
  return {
    source,
    members,
    files: "ours",
    ...(yield* originOf([digest, ...before])),
    from: { _tag: "Archive", paths: [archive, ...(previous === undefined ? [] : [previous])].map(pathOf) },
    ...(yield* readMembers(source, members)),
    annotations: {},
    architecture: "",
    warnings: passedOver.length === 0 ? [] : [ignored(source, passedOver)],
  }
})

/** Where it really lies; undefined for what comes from no file. */
const pathOf = (archive: ArchiveSource): string | undefined =>
  archive._tag === "File" && fs.statSync(archive.path, { throwIfNoEntry: false })?.isFile() === true
    ? fs.realpathSync(archive.path)
    : undefined

export const nameOf = (archive: ArchiveSource) => (archive._tag === "File" ? archive.path : "archive")

/** Paths of members that were not taken, and the digest of the archive; undefined for one that was not made here. */
export const unpackInto = Effect.fnUntraced(function* (
  archive: ArchiveSource,
  members: string,
  wanted: (path: string) => boolean,
  parts?: UnpackRules["parts"],
) {
  yield* makeDirectory(members)
  const room = yield* availableBytes(members)
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const input = yield* openSource(archive)
      const file = input.identity()
      const before = yield* recognized(file)
      const hash = before._tag === "Unknown" ? createHash("sha256") : undefined
      const told = counted(input, yield* Progress, {
        what: "import",
        ...(file === undefined ? {} : { totalBytes: file.sizeBytes }),
      })
      const { passedOver } = yield* unpack(decompressed(hash === undefined ? told : hashed(told, hash)), members, {
        archive: nameOf(archive),
        ...checkpointRules,
        // what cannot fit is refused when it is announced, not when the disk is full
        maxBytes: Math.min(checkpointRules.maxBytes, room),
        accepts: (path) => checkpointRules.accepts(path) && wanted(path),
        ...(parts === undefined ? {} : { parts }),
      })
      if (hash !== undefined) return { digest: `sha256:${hash.digest("hex")}`, passedOver }
      const isSame = before._tag === "Made" && input.identity()?.key === file?.key
      return { digest: isSame ? before.digest : undefined, passedOver }
    }),
  )
})

/** What is not read to its end has another digest, and so nobody's. */
async function* hashed(blocks: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array, void, void> {
  for await (const block of blocks) {
    hash.update(block)
    yield block
  }
}

/** Of a pre-checkpoint only the memory is of use. Its digest. */
const addPrevious = Effect.fnUntraced(function* (previous: ArchiveSource, area: string, members: string) {
  const member = checkpointMembers.previousImages.name
  const unpacked = join(area, "previous")
  const { digest } = yield* unpackInto(previous, unpacked, (path) => memberOf(path)?.name === member)
  const moved = yield* attemptSync("move", members, () => {
    if (!fs.existsSync(join(unpacked, member))) return false
    fs.rmSync(join(members, member), { recursive: true, force: true })
    fs.renameSync(join(unpacked, member), join(members, member))
    return true
  })
  if (!moved) return yield* new CheckpointInvalid({ source: nameOf(previous), member, problem: "is missing" })
  return digest
})

const named = 5

const ignored = (source: string, passedOver: ReadonlyArray<string>): string => {
  const first = passedOver.slice(0, named).map((path) => JSON.stringify(path))
  const more = passedOver.length > named ? ` and ${passedOver.length - named} more` : ""
  return `${source}: ignored what is no part of a checkpoint: ${first.join(", ")}${more}`
}
