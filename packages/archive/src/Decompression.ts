/** Streams as they were before they were compressed. */
import type { Transform } from "node:stream"
import * as zlib from "node:zlib"
import { type Compression, CompressionInvalid, compressionOf, foreignCompression, peek } from "./Compression.ts"
import { unpackFrames } from "./ZstdFrames.ts"

/**
 * The content of a stream that may be compressed, in big blocks. A block is valid until the second one behind it is asked for,
 * if the source's are. Fails with `CompressionInvalid` when the bytes are damaged, cut off, or of a compression that is
 * not known here.
 */
export async function* decompressed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const { blocks, head } = await peek(source)
  const compression = compressionOf(head)
  if (compression === "zstd") return yield* unpackFrames(blocks, streamed)
  if (compression === "gzip") return yield* streamed(blocks, "gzip")
  const stranger = foreignCompression(head)
  if (stranger !== undefined) {
    throw new CompressionInvalid(`${stranger} compression is not supported, use zstd, gzip or none`)
  }
  yield* blocks
}

/** Big output blocks: the default ones halve the rate. */
const outputBlockBytes = 1 << 20

/** Compressed bytes through one decompressor. */
async function* streamed(
  source: AsyncIterable<Uint8Array>,
  compression: Exclude<Compression, "none">,
): AsyncGenerator<Uint8Array, void, void> {
  const options = { chunkSize: outputBlockBytes }
  const plain: Transform = compression === "gzip" ? zlib.createGunzip(options) : zlib.createZstdDecompress(options)
  let problem: Error | undefined
  // zlib may find out that the bytes were cut off after it has ended the stream
  plain.on("error", (cause) => (problem ??= new CompressionInvalid(`${compression} data: ${cause.message}`)))
  const feeding = feed(source, plain).catch((cause: Error) => {
    problem ??= cause
    plain.destroy()
  })
  try {
    for await (const block of plain as AsyncIterable<Uint8Array>) yield block
    await feeding
  } catch (cause) {
    throw problem ?? cause
  } finally {
    plain.destroy()
    await feeding
  }
  // it says so in the turn after the end
  await new Promise((resolve) => setImmediate(resolve))
  if (problem !== undefined) throw problem
}

/** Every block is taken in before the next one is asked for. */
const feed = async (source: AsyncIterable<Uint8Array>, into: Transform): Promise<void> => {
  for await (const block of source) {
    if (into.destroyed) return
    await new Promise<void>((resolve) => {
      const settle = () => {
        into.off("close", settle)
        resolve()
      }
      into.once("close", settle)
      into.write(block, settle)
    })
  }
  if (!into.destroyed) into.end()
}
