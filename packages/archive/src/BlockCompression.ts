/**
 * Compression on all processors: blocks go to the thread pool and come back in order.
 *
 * Frames of zstd and members of gzip may follow one another (RFC 8878 §3, RFC 1952 §2.2); at this size that costs some
 * two thousandths of the result. Memory is bounded by the blocks under way.
 */
import { promisify } from "node:util"
import * as zlib from "node:zlib"
import type { Compression } from "./Compression.ts"
import { type TarPlan, tarBlocks } from "./TarPlan.ts"

export type BlockCompression = Exclude<Compression, "none">

const blockBytes = 4 << 20
const underWay = 4

/** Output comes in one piece: the pool is asked once for each block, not once for each of its 16 KiB. */
const outputBytes = blockBytes + (blockBytes >> 4)

/**
 * zstd's level 1 takes two fifths of the time that its default takes, for a result that is some two hundredths bigger
 * (measured on pages of memory). Made when something is compressed: Node loads zlib for that.
 */
const compressor = (compression: BlockCompression): ((block: Uint8Array) => Promise<Uint8Array>) => {
  if (compression === "gzip") {
    const gzip = promisify<Uint8Array, zlib.ZlibOptions, Uint8Array>(zlib.gzip)
    return (block) => gzip(block, { chunkSize: outputBytes })
  }
  const zstd = promisify<Uint8Array, zlib.ZstdOptions, Uint8Array>(zlib.zstdCompress)
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: 1 }
  return (block) => zstd(block, { chunkSize: outputBytes, params })
}

/** The source's blocks may be used again as soon as the next one is asked for; those that come out may not. */
export const compressBlocks = (
  source: AsyncIterable<Uint8Array>,
  compression: BlockCompression,
): AsyncGenerator<Uint8Array, void, void> => compressInOrder(inBlocks(source), compression)

/** An archive as it is written to a file. A block of an uncompressed one is valid until the next is asked for. */
export const archiveBlocks = (plan: TarPlan, compression: Compression): AsyncGenerator<Uint8Array, void, void> =>
  compression === "none"
    ? tarBlocks(plan)
    : compressInOrder(tarBlocks(plan, { blockBytes, lasting: underWay }), compression)

/** Every block of the source stays as it is until `underWay` more have been asked for. */
async function* compressInOrder(
  source: AsyncIterable<Uint8Array>,
  compression: BlockCompression,
): AsyncGenerator<Uint8Array, void, void> {
  const compress = compressor(compression)
  const pending: Array<Promise<Uint8Array>> = []
  for await (const block of source) {
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
