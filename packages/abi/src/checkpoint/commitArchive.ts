/**
 * A checkpoint becomes an archive: its members go through tar and compression into the output as they are read, block by
 * block, and nothing of them is written twice.
 */
import { createHash, type Hash } from "node:crypto"
import { archiveBlocks, planMembers } from "@cryopod/archive"
import {
  type CriuRestoreOptions,
  type DatabaseFailed,
  Progress,
  type StorageFailed,
  ToolFailed,
} from "@cryopod/entities"
import { attempt, type Database, type Output, storageFailure } from "@cryopod/host"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { recordMade } from "../policy/Origins.ts"
import type { Collected } from "./collect.ts"
import type { Sink } from "./sink.ts"

/** Succeeds when the archive is complete under its name, and known as one of ours. */
export const commitArchive = Effect.fn("checkpoint.commitArchive")(function* (
  { compression, output }: Extract<Sink, { readonly _tag: "Archive" }>,
  { members, needs }: { readonly members: Collected; readonly needs: CriuRestoreOptions },
): Effect.fn.Return<void, StorageFailed | ToolFailed | DatabaseFailed, Database> {
  const plan = yield* attempt("read", "the checkpoint", () => planMembers(members))
  const hash = createHash("sha256")
  yield* pour(archiveBlocks(plan, { compression, listener: yield* Progress }), hash, output)
  // first, so that no archive is there under its name that this engine does not know
  yield* recordMade(`sha256:${hash.digest("hex")}`, needs)
  yield* output.complete
})

/** While a block is written the next one is asked for and hashed. */
const pour = (blocks: AsyncGenerator<Uint8Array, void, void>, hash: Hash, output: Output) =>
  Effect.acquireUseRelease(
    Effect.succeed(blocks),
    Effect.fnUntraced(function* () {
      let writing = yield* Effect.forkChild(Effect.void as ReturnType<Output["write"]>)
      for (;;) {
        const next = yield* Effect.tryPromise({
          try: () => blocks.next(),
          catch: (cause) => (cause instanceof ToolFailed ? cause : storageFailure("read", "the checkpoint")(cause)),
        })
        if (next.done !== true) hash.update(next.value)
        yield* Fiber.join(writing)
        if (next.done === true) return
        writing = yield* Effect.forkChild(output.write(next.value))
      }
    }),
    () => Effect.promise(() => blocks.return()),
  )
