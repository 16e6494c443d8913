/**
 * Compression on all processors: blocks go to the thread pool and come back in order.
 *
 * Frames of zstd and members of gzip may follow one another (RFC 8878 §3, RFC 1952 §2.2); at this size that costs some
 * two thousandths of the result. Memory is bounded by the blocks under way.
 */
import { counted, type ProgressListener } from "@cryopod/entities"
import * as zlib from "node:zlib"
import { atOnce } from "./AtOnce.ts"
import type { Compression } from "./Compression.ts"
import { lending, type Pieces } from "./Lent.ts"
import { readBlockBytes, type TarPlan, tarBlocks } from "./TarPlan.ts"

export type BlockCompression = Exclude<Compression, "none">

/** What is compressed in one go: a frame of zstd, a member of gzip. */
export const compressedBlockBytes = 2 << 20
/** How many blocks are being compressed at a time. */
export const underWay = 4

/** Room for a block that does not become smaller, and one byte at least: whatever is filled up is followed by another. */
const outputBytes = compressedBlockBytes + (compressedBlockBytes >> 7)

/**
 * zstd's level 1 takes two fifths of the time that its default takes, for a result that is some two hundredths bigger
 * (measured on pages of memory).
 */
const compressor = (compression: BlockCompression, { length }: Uint8Array) => {
  if (compression === "gzip") return zlib.createGzip({ chunkSize: outputBytes })
  return zlib.createZstdCompress({
    chunkSize: outputBytes,
    params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 },
    // said in the frame, the length lets a reader unpack several frames at a time
    pledgedSrcSize: length,
  })
}

/** The bytes of an archive in blocks that `compressLasting` takes as they are, without a copy. */
export const lastingBlocks = (plan: TarPlan): AsyncGenerator<Uint8Array, void, void> =>
  tarBlocks(plan, { blockBytes: compressedBlockBytes, lasting: underWay })

/** An archive as it is written to a file. A block is valid until the second one behind it is asked for. */
export const archiveBlocks = (
  plan: TarPlan,
  { compression, listener }: { readonly compression: Compression; readonly listener?: ProgressListener | undefined },
): AsyncGenerator<Uint8Array, void, void> => {
  // what has been read: of what comes out nobody knows how much there will be
  const step = { what: "export", totalBytes: plan.sizeBytes } as const
  return compression === "none"
    ? counted(tarBlocks(plan, { blockBytes: readBlockBytes, lasting: 2 }), listener, step)
    : compressLasting(counted(lastingBlocks(plan), listener, step), compression)
}

/**
 * Compress blocks, each of which stays as it is until `underWay` more have been asked for. One that comes out is valid until
 * the second one behind it is asked for.
 */
export async function* compressLasting(
  source: AsyncIterable<Uint8Array>,
  compression: BlockCompression,
): AsyncGenerator<Uint8Array, void, void> {
  const pending: Array<Promise<Pieces>> = []
  const lend = lending()
  for await (const block of source) {
    const result = atOnce(block, { through: compressor(compression, block) })
    // it is waited for in its turn; a failure before that is no unhandled one
    result.catch(() => undefined)
    pending.push(result)
    if (pending.length >= underWay) yield* lend((await pending.shift()) ?? [])
  }
  for (const result of pending) yield* lend(await result)
}
