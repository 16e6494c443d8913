/**
 * zstd on all processors: the frames of a stream that was compressed block by block are found without unpacking them, and
 * unpacked on the thread pool in order.
 *
 *   frame = magic, header, blocks (3 bytes of header each: last, kind, size), checksum if the header says so
 *
 * A frame that is big, or does not tell its size, goes with all that follows through one decompressor instead.
 * Source: RFC 8878 §3.1.
 */
import { promisify } from "node:util"
import * as zlib from "node:zlib"
import { ByteSource } from "./ByteSource.ts"
import { CompressionInvalid } from "./Compression.ts"

/** Content of the biggest frame that is unpacked in one piece. */
const maxFrameContent = 8 << 20
const underWay = 4

type Streamed = (blocks: AsyncIterable<Uint8Array>, compression: "zstd") => AsyncGenerator<Uint8Array, void, void>

export async function* unpackFrames(
  source: AsyncIterable<Uint8Array>,
  streamed: Streamed,
): AsyncGenerator<Uint8Array, void, void> {
  const unzstd = promisify<Uint8Array, zlib.ZstdOptions, Uint8Array>(zlib.zstdDecompress)
  const bytes = new ByteSource(source)
  const pending: Array<Promise<Uint8Array>> = []
  try {
    for (;;) {
      const frame = await nextFrame(bytes)
      if (frame._tag === "Whole") {
        const { content, contentBytes } = frame
        const unpacked = unzstd(content, { chunkSize: Math.max(64, contentBytes), maxOutputLength: contentBytes || 64 })
        // it is waited for in its turn; a failure before that is no unhandled one
        unpacked.catch(() => undefined)
        pending.push(unpacked)
        if (pending.length >= underWay) yield await inTurn(pending.shift())
        continue
      }
      for (const unpacked of pending.splice(0)) yield await inTurn(unpacked)
      if (frame._tag === "Other") yield* streamed(followed(frame.begun, bytes), "zstd")
      return
    }
  } finally {
    await bytes.close()
  }
}

const inTurn = async (unpacked: Promise<Uint8Array> | undefined): Promise<Uint8Array> => {
  try {
    return (await unpacked) ?? new Uint8Array()
  } catch (cause) {
    throw new CompressionInvalid(`zstd data: ${(cause as Error).message}`)
  }
}

async function* followed(begun: Uint8Array, bytes: ByteSource): AsyncGenerator<Uint8Array, void, void> {
  yield begun
  yield* bytes.rest()
}

type Frame =
  | { readonly _tag: "End" }
  | { readonly _tag: "Whole"; readonly content: Uint8Array; readonly contentBytes: number }
  /** Not to be unpacked in one piece; its beginning has been read. */
  | { readonly _tag: "Other"; readonly begun: Uint8Array }

const magic = 0xfd2fb528
/** Sizes of the content-size field by its flag; 0 is 1 in a frame of a single segment. */
const contentSizeBytes = [0, 2, 4, 8] as const
const dictionaryBytes = [0, 1, 2, 4] as const
/** Kinds of blocks; the content of a run is one byte, whatever its size. */
const run = 1

const nextFrame = async (bytes: ByteSource): Promise<Frame> => {
  const parts: Array<Buffer> = []
  let length = 0
  const take = async (count: number): Promise<Buffer | undefined> => {
    const part = await bytes.take(count)
    parts.push(part)
    length += part.length
    return part.length === count ? part : undefined
  }
  const other = (): Frame => ({ _tag: "Other", begun: Buffer.concat(parts) })

  const start = await take(5)
  if (start === undefined) return length === 0 ? { _tag: "End" } : other()
  const descriptor = start[4] ?? 0
  const singleSegment = (descriptor & 0x20) !== 0
  const sizeField = contentSizeBytes[(descriptor >> 6) as 0 | 1 | 2 | 3]
  const fieldBytes = sizeField === 0 && singleSegment ? 1 : sizeField
  if (start.readUInt32LE(0) !== magic || fieldBytes === 0) return other()
  const skipped = (singleSegment ? 0 : 1) + dictionaryBytes[(descriptor & 3) as 0 | 1 | 2 | 3]
  const fields = await take(skipped + fieldBytes)
  if (fields === undefined) return other()
  const contentBytes = contentSize(fields.subarray(skipped))
  if (contentBytes > maxFrameContent) return other()

  for (let last = false; !last;) {
    const header = await take(3)
    if (header === undefined) return other()
    const value = header.readUIntLE(0, 3)
    last = (value & 1) === 1
    const size = ((value >> 1) & 3) === run ? 1 : value >> 3
    // more than the content could need: whatever it is, it is not worth a buffer
    if (length + size > 2 * maxFrameContent || (await take(size)) === undefined) return other()
  }
  if ((descriptor & 4) !== 0 && (await take(4)) === undefined) return other()
  return { _tag: "Whole", content: Buffer.concat(parts), contentBytes }
}

const contentSize = (field: Buffer): number => {
  switch (field.length) {
    case 1:
      return field.readUInt8()
    case 2:
      return field.readUInt16LE() + 256
    case 4:
      return field.readUInt32LE()
    default:
      return Number(field.readBigUInt64LE())
  }
}
