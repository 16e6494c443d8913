/** Bytes that are measured, and perhaps kept, while somebody else reads them. */
import { createHash } from "node:crypto"
import { Readable } from "node:stream"
import type { Measured } from "@cryopod/archive"

export interface Passing {
  readonly stream: Readable
  /** Of what has passed so far. */
  readonly measured: () => Measured
}

export const passing = (source: AsyncIterable<Uint8Array>, each?: (block: Uint8Array) => Promise<unknown>): Passing => {
  const hash = createHash("sha256")
  let sizeBytes = 0
  const blocks = async function* () {
    for await (const block of source) {
      hash.update(block)
      sizeBytes += block.length
      await each?.(block)
      yield block
    }
  }
  return {
    stream: Readable.from(blocks(), { objectMode: false, highWaterMark: 1 << 20 }),
    measured: () => ({ digest: `sha256:${hash.copy().digest("hex")}`, sizeBytes }),
  }
}
