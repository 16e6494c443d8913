/**
 * Compression on all processors: blocks go to the thread pool and come back in order.
 *
 * Frames of zstd and members of gzip may follow one another (RFC 8878 §3, RFC 1952 §2.2); at this size that costs some
 * two thousandths of the result. Memory is bounded by the blocks under way.
 */
import { promisify } from "node:util"
import * as zlib from "node:zlib"

export type LayerCompression = "gzip" | "zstd"

const blockBytes = 4 << 20
const underWay = 4

/** Made when something is compressed: Node loads `zlib` for that, and most commands compress nothing. */
const compressor = (compression: LayerCompression): ((block: Uint8Array) => Promise<Uint8Array>) =>
  promisify<Uint8Array, Uint8Array>(compression === "gzip" ? zlib.gzip : zlib.zstdCompress)

/** The source's blocks may be used again as soon as the next one is asked for; those that come out may not. */
export async function* compressBlocks(
  source: AsyncIterable<Uint8Array>,
  compression: LayerCompression,
): AsyncGenerator<Uint8Array, void, void> {
  const compress = compressor(compression)
  const pending: Array<Promise<Uint8Array>> = []
  for await (const block of inBlocks(source)) {
    const compressed = compress(block)
    // it is waited for in its turn; a failure before that is no unhandled one
    compressed.catch(() => undefined)
    pending.push(compressed)
    if (pending.length >= underWay) yield await (pending.shift() as Promise<Uint8Array>)
  }
  for (const compressed of pending) yield await compressed
}

/** Copies of the source in blocks of one size; an empty source is one empty block. */
async function* inBlocks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let block = Buffer.allocUnsafe(blockBytes)
  let filled = 0
  let count = 0
  for await (const piece of source) {
    for (let at = 0; at < piece.length;) {
      const taken = Math.min(blockBytes - filled, piece.length - at)
      block.set(piece.subarray(at, at + taken), filled)
      filled += taken
      at += taken
      if (filled < blockBytes) continue
      yield block
      count++
      block = Buffer.allocUnsafe(blockBytes)
      filled = 0
    }
  }
  if (filled > 0 || count === 0) yield block.subarray(0, filled)
}
