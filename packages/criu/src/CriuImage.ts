/**
 * CRIU's image files: what they begin with and how their entries follow each other.
 *
 *   | head magic, 4 | type magic, 4 | size, 4 | message | payload | size, 4 | message | …
 *
 * All numbers are little-endian. `inventory.img` has no head magic. Most kinds have no payload; that of a queue or a
 * deleted file is passed over, and only its place is told. Files of raw content (pages, tar archives, rules of the
 * network) have no magic and are not of this shape.
 *
 * Whoever gives the bytes decides how they are read: nothing here holds more than one message at a time.
 * Sources: CRIU 4.2 `criu/include/magic.h`, `criu/image.c` (`img_check_magic`), `criu/protobuf.c`,
 * `lib/pycriu/images/images.py`.
 */
import {
  commonMagic,
  type EntryOf,
  type ImageKind,
  type ImageKindFacts,
  imageKinds,
  serviceMagic,
} from "./images/imageKinds.ts"
import { ghostChunkEntry, ipcMsg } from "./images/memory.ts"
import { decode, type Fields, fieldsOf, type Message, ProtobufInvalid } from "./Protobuf.ts"

export { commonMagic, type EntryOf, type ImageKind, imageKinds, serviceMagic }

export class CriuImageInvalid extends Error {
  override readonly name = "CriuImageInvalid"
  readonly problem: "magic" | "truncated" | "empty" | "missingField" | "size"
  readonly offset: number

  constructor(problem: CriuImageInvalid["problem"], offset: number, detail = "") {
    super(`malformed CRIU image at byte ${offset}: ${problem}${detail === "" ? "" : ` ${detail}`}`)
    this.problem = problem
    this.offset = offset
  }
}

/** What reading an image can end in. */
export const isImageProblem = (cause: unknown): cause is CriuImageInvalid | ProtobufInvalid =>
  cause instanceof CriuImageInvalid || cause instanceof ProtobufInvalid

/** A file, or bytes at hand. `read` gives what there is, which is less than asked for only at the end. */
export interface ByteSource {
  readonly sizeBytes: number
  readonly read: (position: number, length: number) => Uint8Array
}

export const bytesSource = (bytes: Uint8Array): ByteSource => ({
  sizeBytes: bytes.length,
  read: (position, length) => bytes.subarray(position, position + length),
})

/** One entry of an image file. */
export interface ImageEntry {
  readonly message: Uint8Array
  /** Which table it is of: a few files hold entries of two. */
  readonly table: Message<Fields>
  /** Content that belongs to the entry and is no message. */
  readonly payload: { readonly position: number; readonly sizeBytes: number }
}

/** No message that CRIU writes comes near this; one that does is not read into memory. */
const messageLimit = 64 * 2 ** 20

/** Files are read in pieces of this size. */
const windowBytes = 1 << 16

/** The kind of an image file by its magic; undefined for one of raw content. */
export const imageKindOf = (source: ByteSource): ImageKind | undefined => {
  const view = viewOf(source.read(0, 8))
  const first = view.byteLength >= 4 ? view.getUint32(0, true) : undefined
  const second = view.byteLength >= 8 ? view.getUint32(4, true) : undefined
  const magic = first === commonMagic || first === serviceMagic ? second : first
  return kindNames.find((name) => imageKinds[name].magic === magic)
}

const kindNames = Object.keys(imageKinds) as ReadonlyArray<ImageKind>

/** The entries of an image file in their order, undecoded. Throws `CriuImageInvalid` and `ProtobufInvalid`. */
export function* imageEntries(source: ByteSource, kind: ImageKind): Generator<ImageEntry, void, void> {
  const facts: ImageKindFacts<Fields> = imageKinds[kind]
  const reader = windowed(source)
  let table = facts.first ?? facts.entry
  for (let at = entriesOffset(source, kind); at < source.sizeBytes;) {
    const message = readMessage(reader, at)
    at += 4 + message.length
    const payload = { position: at, sizeBytes: payloadBytes(kind, table, message, reader, at) }
    if (payload.sizeBytes > source.sizeBytes - at) {
      throw new CriuImageInvalid("truncated", at, `payload of ${payload.sizeBytes} bytes`)
    }
    at += payload.sizeBytes
    yield { message, table, payload }
    table = followingTable(kind, table, message)
  }
}

/** The entries of an image file, one at a time. Kinds whose file begins with a head of another table do not fit here. */
export function* decodedEntries<K extends ImageKind>(source: ByteSource, kind: K): Generator<EntryOf<K>, void, void> {
  for (const { message, table } of imageEntries(source, kind)) yield decode(message, table) as EntryOf<K>
}

/** All of them at once, for files with few. */
export const readImage = <K extends ImageKind>(source: ByteSource, kind: K): ReadonlyArray<EntryOf<K>> =>
  Array.from(decodedEntries(source, kind))

/** The only entry of an image file that has one, such as `inventory.img` and `stats-dump`. */
export const readOnly = <K extends ImageKind>(source: ByteSource, kind: K): EntryOf<K> => {
  const { message, table } = onlyEntry(source, kind)
  return decode(message, table) as EntryOf<K>
}

/** Some fields of the only entry; what is in the others takes no time. */
export const readFields = <K extends ImageKind, N extends keyof EntryOf<K>>(
  source: ByteSource,
  kind: K,
  names: ReadonlyArray<N>,
): Pick<EntryOf<K>, N> => {
  const { message, table } = onlyEntry(source, kind)
  return decode(message, fieldsOf(table, names as ReadonlyArray<string>)) as Pick<EntryOf<K>, N>
}

const onlyEntry = (source: ByteSource, kind: ImageKind): ImageEntry => {
  for (const entry of imageEntries(source, kind)) return entry
  throw new CriuImageInvalid("empty", source.sizeBytes)
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const entriesOffset = (source: ByteSource, kind: ImageKind): number => {
  const { head, magic }: ImageKindFacts<Fields> = imageKinds[kind]
  const expected = head === "none" ? [magic] : [head === "service" ? serviceMagic : commonMagic, magic]
  const view = viewOf(source.read(0, 8))
  for (const [index, number] of expected.entries()) {
    const at = index * 4
    if (view.byteLength < at + 4) throw new CriuImageInvalid("truncated", at, "magic number")
    if (view.getUint32(at, true) !== number) throw new CriuImageInvalid("magic", at)
  }
  return expected.length * 4
}

/** The same source in few big reads, for entries that are small and many. */
const windowed = (source: ByteSource): ByteSource => {
  let start = 0
  let window: Uint8Array = new Uint8Array()
  return {
    sizeBytes: source.sizeBytes,
    read: (position, length) => {
      if (length > windowBytes) return source.read(position, length)
      if (position < start || position + length > start + window.length) {
        start = position
        window = source.read(position, windowBytes)
      }
      return window.subarray(position - start, position - start + length)
    },
  }
}

const readMessage = (reader: ByteSource, at: number): Uint8Array => {
  const size = reader.read(at, 4)
  if (size.length < 4) throw new CriuImageInvalid("truncated", at, "size of an entry")
  const length = viewOf(size).getUint32(0, true)
  if (length > reader.sizeBytes - at - 4) throw new CriuImageInvalid("truncated", at + 4, `entry of ${length} bytes`)
  if (length > messageLimit) throw new CriuImageInvalid("size", at + 4, `entry of ${length} bytes`)
  const message = reader.read(at + 4, length)
  if (message.length < length) throw new CriuImageInvalid("truncated", at + 4, `entry of ${length} bytes`)
  return message
}

/** A pagemap and a deleted file in pieces begin with a head; what follows is of another table. */
const followingTable = (kind: ImageKind, table: Message<Fields>, message: Uint8Array): Message<Fields> => {
  if (kind === "ghost_file" && table === imageKinds.ghost_file.entry) {
    return decode(message, imageKinds.ghost_file.entry).chunks === true ? ghostChunkEntry : table
  }
  return kind === "ghost_file" ? table : imageKinds[kind].entry
}

const payloadBytes = (
  kind: ImageKind,
  table: Message<Fields>,
  message: Uint8Array,
  reader: ByteSource,
  at: number,
): number => {
  switch (kind) {
    case "pipes_data":
    case "fifo_data":
      return decode(message, imageKinds.pipes_data.entry).bytes
    case "sk_queues":
      return decode(message, imageKinds.sk_queues.entry).length
    case "tcp_stream": {
      const { inq_len: inward, outq_len: outward } = decode(message, imageKinds.tcp_stream.entry)
      return inward + outward
    }
    case "bpfmap_data": {
      const { keys_bytes: keys, values_bytes: values } = decode(message, imageKinds.bpfmap_data.entry)
      return keys + values
    }
    case "ipcns_sem":
      return padded(2 * decode(message, imageKinds.ipcns_sem.entry).nsems, 8)
    case "ipcns_shm": {
      const { in_pagemaps: elsewhere, size } = decode(message, imageKinds.ipcns_shm.entry)
      return elsewhere === true ? 0 : padded(size, 4)
    }
    case "ipcns_msg":
      return queuedMessagesBytes(decode(message, imageKinds.ipcns_msg.entry).qnum, reader, at)
    case "ghost_file":
      if (table === ghostChunkEntry) return decode(message, ghostChunkEntry).len
      return decode(message, imageKinds.ghost_file.entry).chunks === true ? 0 : reader.sizeBytes - at
    default:
      return 0
  }
}

const padded = (size: number, to: number) => Math.ceil(size / to) * to

/** Messages of a queue, each with its own head, its content padded to eight bytes. */
const queuedMessagesBytes = (count: number, reader: ByteSource, from: number): number => {
  let at = from
  for (let left = count; left > 0; left--) {
    const message = readMessage(reader, at)
    at += 4 + message.length + padded(decode(message, ipcMsg).msize, 8)
  }
  return at - from
}
