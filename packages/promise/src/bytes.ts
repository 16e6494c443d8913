/** Archives out of and into whatever a program has. */
import { type ArchiveDestination, type ArchiveSource, StorageFailed } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

const failed = (operation: string) => (cause: unknown) => {
  const { code } = cause as { readonly code?: unknown }
  return new StorageFailed({ operation, path: "the archive", code: typeof code === "string" ? code : String(cause) })
}

/** An archive whose bytes come from here: a file's stream, a response's body. */
export const bytesFrom = (bytes: AsyncIterable<Uint8Array>): ArchiveSource => ({
  _tag: "Stream",
  bytes: Stream.fromAsyncIterable(bytes, failed("read")),
})

/** An archive whose blocks go here. The next comes when the last has been taken, and is valid only until then. */
export const bytesTo = (write: (block: Uint8Array) => Promise<void> | void): ArchiveDestination => ({
  _tag: "Stream",
  write: (block) => Effect.tryPromise({ try: async () => write(block), catch: failed("write") }),
})
