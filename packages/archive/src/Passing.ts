/** Bytes that are measured while somebody reads them. */
import { createHash } from "node:crypto"
import type { Measured } from "./Digest.ts"

export interface Passing {
  /** To be read once. A block is valid as long as the source's. */
  readonly blocks: AsyncGenerator<Uint8Array, void, void>
  /** Of what has passed so far. */
  readonly measured: () => Measured
}

/** `each` sees every block before it is handed on. */
export const passing = (source: AsyncIterable<Uint8Array>, each?: (block: Uint8Array) => Promise<unknown>): Passing => {
  const hash = createHash("sha256")
  let sizeBytes = 0
  const blocks = (async function* () {
    for await (const block of source) {
      hash.update(block)
      sizeBytes += block.length
      await each?.(block)
      yield block
    }
  })()
  return {
    blocks,
    measured: () => ({ digest: `sha256:${hash.copy().digest("hex")}`, sizeBytes }),
  }
}
