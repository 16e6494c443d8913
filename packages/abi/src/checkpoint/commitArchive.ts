/**
 * A checkpoint becomes an archive: its members go through tar and compression into the output as they are read, block by
 * block, and nothing of them is written twice.
 */
import { archiveBlocks, planMembers } from "@cryopod/archive"
import type { StorageFailed } from "@cryopod/entities"
import { attempt, type Output } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type { Collected } from "./collect.ts"
import type { Sink } from "./sink.ts"

/** Succeeds when the archive is complete under its name. */
export const commitArchive = Effect.fn("checkpoint.commitArchive")(function* (
  { compression, output }: Extract<Sink, { readonly _tag: "Archive" }>,
  members: Collected,
): Effect.fn.Return<void, StorageFailed> {
  const plan = yield* attempt("read", "the checkpoint", () => planMembers(members))
  yield* pour(archiveBlocks(plan, compression), output)
  yield* output.complete
})

/** The next block is asked for when the last one has been taken. */
const pour = (blocks: AsyncGenerator<Uint8Array, void, void>, output: Output) =>
  Effect.acquireUseRelease(
    Effect.succeed(blocks),
    Effect.fnUntraced(function* () {
      for (;;) {
        const next = yield* attempt("read", "the checkpoint", () => blocks.next())
        if (next.done === true) return
        yield* output.write(next.value)
      }
    }),
    () => Effect.promise(() => blocks.return()),
  )
