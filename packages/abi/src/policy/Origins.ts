/**
 * Where checkpoints come from. Those that this engine made on this host are known by the digests of their archives, and by the
 * ids of their images, which are digests too: one that went around the world and comes back the same to the last bit is
 * still ours. Of images it is known from where they were pulled.
 */
import type { Measured } from "@cryopod/archive"
import { type CriuRestoreOptions, type DatabaseFailed, defaultCriuRestore } from "@cryopod/entities"
import { Database, type FileIdentity, type Prepare } from "@cryopod/host"
import * as Effect from "effect/Effect"

export const originTables = `
create table if not exists made_checkpoints (
  digest text primary key,
  made text not null
) strict;
create table if not exists made_archives (
  digest text primary key,
  size_bytes integer not null,
  identity text
) strict;
create table if not exists made_checkpoint_needs (
  digest text primary key,
  ext_unix_sk integer not null,
  shell_job integer not null
) strict;
create table if not exists pulled_images (
  image_id text not null,
  name text not null,
  primary key (image_id, name)
) strict`

/** `here`: made by this engine on this host. */
export type Origin = "here" | "elsewhere"

/** An archive. Durable on success. */
export const recordMade = Effect.fn("Origins.record")(function* (
  { digest, sizeBytes }: Measured,
  needs: CriuRestoreOptions,
): Effect.fn.Return<void, DatabaseFailed, Database> {
  yield* (yield* Database).write((prepare) => {
    writeMade(prepare, digest, needs)
    prepare("insert or ignore into made_archives values (?, ?, null)").run(digest, sizeBytes)
  })
})

/** The file that has become of an archive: as long as it is that, nobody has to read it to know it. */
export const recordFile = Effect.fn("Origins.recordFile")(function* (
  digest: string,
  { key }: FileIdentity,
): Effect.fn.Return<void, DatabaseFailed, Database> {
  yield* (yield* Database).write((prepare) => {
    prepare("update made_archives set identity = ? where digest = ?").run(key, digest)
  })
})

/** What a file says of an archive before it is read. */
export type Recognized =
  /** It is this one. */
  | { readonly _tag: "Made"; readonly digest: string }
  /** Its digest tells. */
  | { readonly _tag: "Unknown" }
  /** None that was made here is as long. */
  | { readonly _tag: "Stranger" }

export const recognized = Effect.fn("Origins.recognized")(function* (
  file: FileIdentity | undefined,
): Effect.fn.Return<Recognized, DatabaseFailed, Database> {
  if (file === undefined) return { _tag: "Unknown" }
  const made = yield* (yield* Database).read((prepare) =>
    prepare("select digest, identity from made_archives where size_bytes = ?").all(file.sizeBytes),
  )
  if (made.length === 0) return { _tag: "Stranger" }
  const same = made.find(({ identity }) => identity === file.key)
  return same === undefined ? { _tag: "Unknown" } : { _tag: "Made", digest: String(same["digest"]) }
})

/** Part of a transaction; `digest` is that of an archive or the id of an image. */
export const writeMade = (prepare: Prepare, digest: string, { extUnixSk, shellJob }: CriuRestoreOptions): void => {
  prepare("insert or ignore into made_checkpoints values (?, strftime('%Y-%m-%dT%H:%M:%fZ'))").run(digest)
  if (extUnixSk || shellJob) {
    prepare("insert or ignore into made_checkpoint_needs values (?, ?, ?)").run(digest, +extUnixSk, +shellJob)
  }
}

/** `name` is what an image was pulled by from a registry, in full. Durable on success. */
export const recordPulled = Effect.fn("Origins.recordPulled")(function* (
  imageId: string,
  name: string,
): Effect.fn.Return<void, DatabaseFailed, Database> {
  yield* (yield* Database).write((prepare) => {
    prepare("insert or ignore into pulled_images values (?, ?)").run(imageId, name)
  })
})

/** Names that an image was pulled by; none for one that came otherwise, whatever it is called. */
export const pulledAs = Effect.fn("Origins.pulledAs")(function* (
  imageId: string,
): Effect.fn.Return<ReadonlyArray<string>, DatabaseFailed, Database> {
  const rows = yield* (yield* Database).read((prepare) =>
    prepare("select name from pulled_images where image_id = ?").all(imageId),
  )
  return rows.map(({ name }) => String(name))
})

export interface Known {
  readonly origin: Origin
  /** What the restore of a checkpoint from here needs; nothing is believed of one from elsewhere. */
  readonly needs: CriuRestoreOptions
}

/** What is known of a checkpoint by the digests of its parts, undefined for a stranger's: `here` only when every part was made here. */
export const originOf = Effect.fn("Origins.of")(function* (
  digests: ReadonlyArray<string | undefined>,
): Effect.fn.Return<Known, DatabaseFailed, Database> {
  return yield* (yield* Database).read((prepare): Known => {
    const isOurs = (digest: string) =>
      prepare("select 1 from made_checkpoints where digest = ?").get(digest) !== undefined
    const known = digests.flatMap((digest) => digest ?? [])
    if (known.length < digests.length || !known.every(isOurs)) return { origin: "elsewhere", needs: defaultCriuRestore }
    const needs = known.map((digest) => prepare("select * from made_checkpoint_needs where digest = ?").get(digest))
    return {
      origin: "here",
      needs: {
        extUnixSk: needs.some((row) => row?.["ext_unix_sk"] === 1),
        shellJob: needs.some((row) => row?.["shell_job"] === 1),
      },
    }
  })
})
