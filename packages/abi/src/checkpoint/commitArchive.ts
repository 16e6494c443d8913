/**
 * A checkpoint becomes an archive: its members go through tar and compression into the output as they are read, block by
 * block, and nothing of them is written twice.
 */
import { archiveBlocks, passing, planMembers } from "@cryopod/archive"
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
import { recordFile, recordMade } from "../policy/Origins.ts"
import type { Collected } from "./collect.ts"
import type { Sink } from "./sink.ts"

/** Succeeds when the archive is complete under its name, and known as one of ours. */
export const commitArchive = Effect.fn("checkpoint.commitArchive")(function* (
  { compression, output }: Extract<Sink, { readonly _tag: "Archive" }>,
  { members, needs }: { readonly members: Collected; readonly needs: CriuRestoreOptions },
): Effect.fn.Return<void, StorageFailed | ToolFailed | DatabaseFailed, Database> {
  const plan = yield* attempt("read", "the checkpoint", () => planMembers(members))
  const { blocks, measured } = passing(archiveBlocks(plan, { compression, listener: yield* Progress }))
  yield* pour(blocks, output)
  const made = measured()
  // first, so that no archive is there under its name that this engine does not know
  yield* recordMade(made, needs)
  const file = yield* output.complete
  if (file !== undefined) yield* recordFile(made.digest, file)
})

/** While a block is written the next one is asked for. */
const pour = (blocks: AsyncGenerator<Uint8Array, void, void>, output: Output) =>
  Effect.acquireUseRelease(
    Effect.succeed(blocks),
    Effect.fnUntraced(function* () {
      let writing = yield* Effect.forkChild(Effect.void as ReturnType<Output["write"]>)
      for (;;) {
        const next = yield* Effect.tryPromise({
          try: () => blocks.next(),
          catch: (cause) => (cause instanceof ToolFailed ? cause : storageFailure("read", "the checkpoint")(cause)),
        })
        yield* Fiber.join(writing)
        if (next.done === true) return
        writing = yield* Effect.forkChild(output.write(next.value))
      }
    }),
    () => Effect.promise(() => blocks.return()),
  )
