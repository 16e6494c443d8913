/**
 * The headers of a tar file, without its contents: content is jumped over, so that an archive of many gigabytes is looked
 * through in the time that its headers take.
 *
 * Read as GNU tar reads them, which unpacks afterwards what was looked through here: POSIX ustar and pax (IEEE 1003.1,
 * `pax`), GNU's long names and sparse files (GNU tar manual, `Basic Tar Format`, `Sparse Formats`). What GNU tar would
 * read otherwise than this, or only with a complaint, is refused.
 */
import * as fs from "node:fs"

export type TarEntryType = "file" | "link" | "symlink" | "character-device" | "block-device" | "directory" | "fifo"

export interface TarEntry {
  readonly name: string
  readonly type: TarEntryType
  /** Of links; empty otherwise. */
  readonly linkname: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Where its headers begin in the archive, in bytes. */
  readonly start: number
  /** Where its content ends, filled up to whole blocks. */
  readonly end: number
}

const types: Readonly<Record<string, TarEntryType>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  S: "file",
  "1": "link",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
}

const blockBytes = 512
const blank = 0x20

/** Documents of names and attributes are read whole; no real one is near this size. */
const maxExtensionBytes = 1 << 20

/** What extended headers said about the next entry. */
type Extension = Map<string, string>

export function* tarEntries(path: string): Generator<TarEntry, void, void> {
  const file = new Window(path)
  try {
    let extension: Extension = new Map()
    let start = 0
    for (let position = 0; ;) {
      const header = file.block(position)
      // one empty block ends an archive for GNU tar too
      if (header === undefined || header.every((byte) => byte === 0)) return
      checkSum(header)
      const type = String.fromCharCode(header[156] ?? 0)
      position += blockBytes
      const size = sizeOf(header, extension)
      if (type === "x" || type === "g" || type === "L" || type === "K") {
        if (size > maxExtensionBytes) throw new Error(`an extended header has ${size} bytes`)
        const content = file.bytes(position, size)
        extension = extended(extension, type, content)
        position += padded(size)
        continue
      }
      if (types[type] === undefined) throw new Error(`a member has the unknown type ${JSON.stringify(type)}`)
      if (size > 0 && !hasContent(type)) throw new Error("a member that is no file has content")
      if (type === "S") position += sparseMapBytes(header, (at) => file.bytes(position + at, blockBytes))
      const end = position + padded(size)
      yield entryOf(header, { type, extension, start, end })
      position = end
      start = end
      extension = new Map()
    }
  } finally {
    file.close()
  }
}

interface Place extends Pick<TarEntry, "start" | "end"> {
  readonly type: string
  readonly extension: Extension
}

const entryOf = (header: Buffer, { end, extension, start, type }: Place): TarEntry => {
  const known = types[type] ?? "file"
  const prefix = isPosix(header) ? text(header, 345, 155) : ""
  const short = text(header, 0, 100)
  const name =
    extension.get("GNU.sparse.name") ?? extension.get("path") ?? (prefix === "" ? short : `${prefix}/${short}`)
  return {
    name,
    // before ustar a directory was a file whose name ends with a slash
    type: known === "file" && name.endsWith("/") ? "directory" : known,
    linkname: known === "link" || known === "symlink" ? (extension.get("linkpath") ?? text(header, 157, 100)) : "",
    mode: number(header, 100, 8) & 0o7777,
    uid: Number(extension.get("uid") ?? number(header, 108, 8)),
    gid: Number(extension.get("gid") ?? number(header, 116, 8)),
    start,
    end,
  }
}

const hasContent = (type: string) => types[type] === "file"

const extended = (before: Extension, type: string, content: Buffer): Extension => {
  if (type === "L" || type === "K") {
    const end = content.indexOf(0)
    const name = content.toString("utf8", 0, end < 0 ? content.length : end)
    return new Map(before).set(type === "L" ? "path" : "linkpath", name)
  }
  const records = paxRecords(content)
  if (type === "x") return before.size === 0 ? records : new Map([...before, ...records])
  // what holds for every entry that follows would have to be carried along
  for (const key of records.keys()) {
    if (key !== "comment") throw new Error(`a global header sets ${key}`)
  }
  return before
}

/** `LENGTH KEY=VALUE\n`, where the length counts the whole record in bytes. */
const paxRecords = (content: Buffer): Extension => {
  const records: Extension = new Map()
  for (let at = 0; at < content.length;) {
    const gap = content.indexOf(blank, at)
    const digits = content.toString("latin1", at, gap)
    const end = at + Number(digits)
    const equals = content.indexOf(0x3d, gap)
    if (!/^[1-9]\d*$/.test(digits) || equals < 0 || equals >= end || end > content.length || content[end - 1] !== 0x0a)
      throw new Error("an extended header is damaged")
    const key = content.toString("utf8", gap + 1, equals)
    const value = content.toString("utf8", equals + 1, end - 1)
    // GNU tar ends a name there, whoever reads the value here would not
    if (value.includes("\0") && textKeys.has(key)) throw new Error(`${key} has a zero byte in it`)
    // an empty value takes back what was set
    if (value === "") records.delete(key)
    else records.set(key, value)
    at = end
  }
  return records
}

const textKeys = new Set(["path", "linkpath", "GNU.sparse.name"])

const sizeOf = (header: Buffer, extension: Extension): number => {
  const size = extension.get("size")
  if (size === undefined) return number(header, 124, 12)
  if (!/^\d+$/.test(size)) throw new Error(`a member has the size ${size}`)
  return Number(size)
}

/** GNU's old sparse format goes on with maps in blocks of their own as long as a mark says so. */
const sparseMapBytes = (header: Buffer, block: (at: number) => Buffer): number => {
  let bytes = 0
  for (let more = header[482] === 1; more; bytes += blockBytes) more = block(bytes)[504] === 1
  return bytes
}

const isPosix = (header: Buffer) => header.toString("latin1", 257, 263) === "ustar\0"

const padded = (size: number) => Math.ceil(size / blockBytes) * blockBytes

const text = (header: Buffer, at: number, length: number): string => {
  const field = header.subarray(at, at + length)
  const end = field.indexOf(0)
  return field.toString("utf8", 0, end < 0 ? length : end)
}

/** Octal digits, or a binary number behind a byte with the highest bit set. */
const number = (header: Buffer, at: number, length: number): number => {
  if (((header[at] ?? 0) & 0x80) === 0) {
    let from = at
    let end = at + length
    while (from < end && header[from] === blank) from++
    while (end > from && (header[end - 1] === 0 || header[end - 1] === blank)) end--
    let value = 0
    for (; from < end; from++) {
      const digit = (header[from] ?? 0) - 0x30
      if (digit < 0 || digit > 7) throw new Error("a header has a damaged number")
      value = value * 8 + digit
    }
    return value
  }
  if (header[at] !== 0x80) throw new Error("a header has a negative number")
  const value = header.subarray(at + 1, at + length).reduce((sum, byte) => sum * 256 + byte, 0)
  if (!Number.isSafeInteger(value)) throw new Error("a header has a number beyond all bounds")
  return value
}

/** Every byte counts, those of the sum itself as blanks. */
const checkSum = (header: Buffer): void => {
  let sum = 8 * blank
  for (let at = 0; at < 148; at++) sum += header[at] ?? 0
  for (let at = 156; at < blockBytes; at++) sum += header[at] ?? 0
  if (sum !== number(header, 148, 8)) throw new Error("a header has the wrong checksum")
}

/** How much is read at once: headers of small files lie close together. */
const windowBytes = 256 << 10

/** A file, read where it is looked at. */
class Window {
  private readonly fd: number
  private readonly sizeBytes: number
  private readonly buffer = Buffer.allocUnsafe(windowBytes)
  private start = 0
  private content: Buffer = Buffer.alloc(0)

  constructor(path: string) {
    this.fd = fs.openSync(path, "r")
    this.sizeBytes = fs.fstatSync(this.fd).size
  }

  /** The block at a position; undefined at the end of the file. Valid until the next look. */
  block(position: number): Buffer | undefined {
    if (position > this.sizeBytes) throw new Error("it ends in the middle of a member")
    const block = this.look(position, blockBytes)
    if (block.length === 0) return undefined
    if (block.length < blockBytes) throw new Error("it ends in the middle of a header")
    return block
  }

  /** Valid until the next look. */
  bytes(position: number, length: number): Buffer {
    const bytes =
      length <= windowBytes ? this.look(position, length) : readFully(this.fd, Buffer.allocUnsafe(length), position)
    if (bytes.length < length) throw new Error("it ends in the middle of a header")
    return bytes
  }

  /** Shorter at the end of the file. */
  private look(position: number, length: number): Buffer {
    if (position < this.start || position + length > this.start + this.content.length) {
      this.start = position
      this.content = readFully(this.fd, this.buffer, position)
    }
    const at = position - this.start
    return this.content.subarray(at, at + length)
  }

  close(): void {
    fs.closeSync(this.fd)
  }
}

/** As much of a buffer as the file has at a position. */
const readFully = (fd: number, buffer: Buffer, position: number): Buffer => {
  let filled = 0
  while (filled < buffer.length) {
    const read = fs.readSync(fd, buffer, filled, buffer.length - filled, position + filled)
    if (read === 0) break
    filled += read
  }
  return buffer.subarray(0, filled)
}
