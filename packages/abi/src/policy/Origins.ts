/**
 * Which checkpoints this engine made on this host: the digests of their archives, and the ids of their images, which are
 * digests too. A checkpoint that went around the world and comes back the same to the last bit is still ours.
 */
import type { DatabaseFailed } from "@cryopod/entities"
import { Database } from "@cryopod/host"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"

export const originTables = `
create table if not exists made_checkpoints (
  digest text primary key,
  made text not null
) strict`

/** `here`: made by this engine on this host. */
export type Origin = "here" | "elsewhere"

/** `digest` is that of an archive (`sha256:<hex>`) or the id of an image. Durable on success. */
export const recordMade = Effect.fn("Origins.record")(function* (
  digest: string,
): Effect.fn.Return<void, DatabaseFailed, Database> {
  const made = DateTime.formatIso(yield* DateTime.now)
  yield* (yield* Database).write((prepare) => {
    prepare("insert or ignore into made_checkpoints values (?, ?)").run(digest, made)
  })
})

/** `here` only when every part was made here. */
export const originOf = Effect.fn("Origins.of")(function* (
  digests: ReadonlyArray<string>,
): Effect.fn.Return<Origin, DatabaseFailed, Database> {
  return yield* (yield* Database).read((prepare) =>
    digests.every((digest) => prepare("select 1 from made_checkpoints where digest = ?").get(digest) !== undefined)
      ? "here"
      : "elsewhere",
  )
})
