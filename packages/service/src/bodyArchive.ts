/** Archives that come as the body of a request. */
import { type ArchiveSource, StorageFailed } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

type Body<E> = Stream.Stream<Uint8Array, E>

/** A client that breaks off is a source that cannot be read. */
const brokenOff = () => new StorageFailed({ operation: "read", path: "the archive", code: "ECONNABORTED" })

export const bodyArchive = <E>(body: Body<E>): Extract<ArchiveSource, { readonly _tag: "Stream" }> => ({
  _tag: "Stream",
  bytes: Stream.mapError(body, brokenOff),
})

/** Two archives, the second right behind the first, which has `length` bytes and is to be read before it. */
export const bodyArchives = <E>(
  body: Body<E>,
  length: number,
): Effect.Effect<readonly [first: ArchiveSource, second: ArchiveSource], never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => Stream.toAsyncIterable(body)[Symbol.asyncIterator]()),
      (blocks) => Effect.promise(async () => void (await blocks.return?.())),
    ),
    (blocks) => {
      let held: Uint8Array = new Uint8Array(0)
      let left = length
      /** At the most `limit` bytes; none at the end. */
      const take = async (limit: number): Promise<Uint8Array> => {
        while (held.length === 0) {
          const next = await blocks.next()
          if (next.done === true) return held
          held = next.value
        }
        const taken = held.subarray(0, Math.min(limit, held.length))
        held = held.subarray(taken.length)
        return taken
      }
      async function* first() {
        while (left > 0) {
          const block = await take(left)
          if (block.length === 0) return
          left -= block.length
          yield block
        }
      }
      async function* second() {
        // whoever has read enough of the first leaves its padding
        for await (const _ of first()) continue
        for (;;) {
          const block = await take(Number.POSITIVE_INFINITY)
          if (block.length === 0) return
          yield block
        }
      }
      const archive = (bytes: () => AsyncGenerator<Uint8Array, void, void>): ArchiveSource => ({
        _tag: "Stream",
        bytes: Stream.suspend(() => Stream.fromAsyncIterable(bytes(), brokenOff)),
      })
      return [archive(first), archive(second)]
    },
  )
