/**
 * zstd on all processors: the frames of a file are told apart without unpacking them.
 *
 *   frame = magic, header, blocks (3 bytes of header each: last, kind, size), checksum if the header says so
 *
 * Small ones that say how long their content is, as parallel writers make them, are unpacked on the thread pool, several at
 * a time and in order; any other goes through a decompressor of its own. Node's decompressor stops, without a word, behind
 * the first frame that does not happen to end where one of its output blocks does.
 * Source: RFC 8878 §3.1.
 */
import * as zlib from "node:zlib"
import { atOnce } from "./AtOnce.ts"
import { ByteSource } from "./ByteSource.ts"
import { CompressionInvalid } from "./Compression.ts"
import { lending, type Pieces } from "./Lent.ts"

/** Content of the biggest frame that is unpacked in one piece. */
const maxFrameContent = 8 << 20
const underWay = 4

type Streamed = (blocks: AsyncIterable<Uint8Array>, compression: "zstd") => AsyncGenerator<Uint8Array, void, void>

/** A block is valid until the second one behind it is asked for. */
export async function* unpackFrames(
  source: AsyncIterable<Uint8Array>,
  streamed: Streamed,
): AsyncGenerator<Uint8Array, void, void> {
  const bytes = new ByteSource(source)
  const pending: Array<Promise<Pieces>> = []
  // one is free again when the frame that was put into it has been unpacked
  const rooms = Array.from({ length: underWay }, () => new Room())
  let turn = 0
  const lend = lending()
  try {
    for (let header = await nextHeader(bytes); header !== undefined; header = await nextHeader(bytes)) {
      const { contentBytes } = header
      if (contentBytes !== undefined && contentBytes <= maxFrameContent) {
        const frame = await gathered(bytes, header, { room: rooms[turn++ % underWay] ?? new Room(), contentBytes })
        // with room for a byte more: whatever is filled up is followed by another
        const through = zlib.createZstdDecompress({ chunkSize: Math.max(64, contentBytes + 1) })
        const unpacked = atOnce(frame, { through, mostBytes: contentBytes })
        // it is waited for in its turn; a failure before that is no unhandled one
        unpacked.catch(() => undefined)
        pending.push(unpacked)
        if (pending.length >= underWay) yield* lend(await inTurn(pending.shift()))
      } else {
        for (const unpacked of pending.splice(0)) yield* lend(await inTurn(unpacked))
        yield* streamed(frameParts(bytes, header), "zstd")
      }
    }
    for (const unpacked of pending.splice(0)) yield* lend(await inTurn(unpacked))
  } finally {
    await bytes.close()
  }
}

const inTurn = async (unpacked: Promise<Pieces> | undefined): Promise<Pieces> => {
  try {
    return (await unpacked) ?? []
  } catch (cause) {
    throw new CompressionInvalid(`zstd data: ${(cause as Error).message}`)
  }
}

interface FrameHeader {
  readonly bytes: Buffer
  /** Absent when the frame does not say. */
  readonly contentBytes?: number
  readonly hasChecksum: boolean
}

const magic = 0xfd2fb528
/** Without its last four bits, which are free. */
const skippableMagic = 0x184d2a5
/** Sizes of the content-size field by its flag; 0 is 1 in a frame of a single segment. */
const contentSizeBytes = [0, 2, 4, 8] as const
const dictionaryBytes = [0, 1, 2, 4] as const
/** Kinds of blocks; the content of a run is one byte, whatever its size. */
const run = 1

/** Skippable frames are passed over. Undefined at the end of the file. */
const nextHeader = async (bytes: ByteSource): Promise<FrameHeader | undefined> => {
  for (;;) {
    const start = await bytes.take(4)
    if (start.length === 0) return undefined
    if (start.length < 4) throw cutOff()
    const number = start.readUInt32LE(0)
    if (number >>> 4 === skippableMagic) {
      const length = (await taken(bytes, 4)).readUInt32LE(0)
      if ((await bytes.skip(length)) < length) throw cutOff()
      continue
    }
    if (number !== magic) throw new CompressionInvalid("zstd data: there is something else behind a frame")
    const descriptor = await taken(bytes, 1)
    const flags = descriptor[0] ?? 0
    const singleSegment = (flags & 0x20) !== 0
    const sizeField = contentSizeBytes[(flags >> 6) as 0 | 1 | 2 | 3]
    const fieldBytes = sizeField === 0 && singleSegment ? 1 : sizeField
    const skipped = (singleSegment ? 0 : 1) + dictionaryBytes[(flags & 3) as 0 | 1 | 2 | 3]
    const fields = await taken(bytes, skipped + fieldBytes)
    return {
      bytes: Buffer.concat([start, descriptor, fields]),
      hasChecksum: (flags & 4) !== 0,
      ...(fieldBytes === 0 ? {} : { contentBytes: contentSize(fields.subarray(skipped)) }),
    }
  }
}

const blockHeaderBytes = 3

const blockOf = (header: Buffer): { readonly last: boolean; readonly sizeBytes: number } => {
  const value = header.readUIntLE(0, blockHeaderBytes)
  return { last: (value & 1) === 1, sizeBytes: ((value >> 1) & 3) === run ? 1 : value >> 3 }
}

/** The bytes of a frame, its header first. */
async function* frameParts(bytes: ByteSource, header: FrameHeader): AsyncGenerator<Uint8Array, void, void> {
  yield header.bytes
  for (let last = false; !last;) {
    const begins = await taken(bytes, blockHeaderBytes)
    const block = blockOf(begins)
    last = block.last
    // in one piece with its header: a block is small, and a piece of three bytes costs as much as any other
    yield Buffer.concat([begins, await taken(bytes, block.sizeBytes)])
  }
  if (header.hasChecksum) yield await taken(bytes, 4)
}

/** A frame that claims to be small, in one piece; it may not turn out to be much bigger than its content. */
const gathered = async (
  bytes: ByteSource,
  header: FrameHeader,
  { contentBytes, room }: { readonly room: Room; readonly contentBytes: number },
): Promise<Buffer> => {
  const most = 2 * contentBytes + (1 << 16)
  const add = async (count: number): Promise<Buffer> => {
    if (room.length + count > most) throw new CompressionInvalid("zstd data: a frame outgrows its content")
    const added = room.add(count)
    if ((await bytes.fill(added)) < count) throw cutOff()
    return added
  }
  room.clear()
  room.add(header.bytes.length).set(header.bytes)
  for (let last = false; !last;) {
    const block = blockOf(await add(blockHeaderBytes))
    last = block.last
    await add(block.sizeBytes)
  }
  if (header.hasChecksum) await add(4)
  return room.content()
}

/** Memory for one frame after the other. */
class Room {
  private memory = Buffer.allocUnsafeSlow(1 << 16)
  length = 0

  clear(): void {
    this.length = 0
  }

  /** So much more of it, to be written to before more is added. */
  add(count: number): Buffer {
    const end = this.length + count
    if (end > this.memory.length) {
      const bigger = Buffer.allocUnsafeSlow(2 * end)
      this.memory.copy(bigger, 0, 0, this.length)
      this.memory = bigger
    }
    const added = this.memory.subarray(this.length, end)
    this.length = end
    return added
  }

  content(): Buffer {
    return this.memory.subarray(0, this.length)
  }
}

const taken = async (bytes: ByteSource, count: number): Promise<Buffer> => {
  const part = await bytes.take(count)
  if (part.length < count) throw cutOff()
  return part
}

const cutOff = () => new CompressionInvalid("zstd data: unexpected end of file")

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
