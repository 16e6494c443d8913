/**
 * A tar archive, read member by member from a stranger: POSIX ustar and pax, and what GNU tar and Go's archive/tar write.
 *
 *   header (512 bytes, checksum) | content, padded to 512 | … | two empty blocks
 *
 * Names and records are bytes; here every byte is one character (latin1), so that nothing is lost and everything can be
 * compared. Extended headers are bounded. An archive without its two empty blocks at the end was cut off.
 *
 * Sources: POSIX.1-2017 `pax`, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual, "Basic Tar Format" and
 * "Storing Sparse Files".
 */
import { ByteSource } from "./ByteSource.ts"
import { CompressionInvalid } from "./Compression.ts"

export type TarType = "file" | "link" | "symlink" | "character-device" | "block-device" | "directory" | "fifo"

export interface TarMember {
  /** As it is written, with nothing taken away; bytes as characters. */
  readonly name: string
  readonly type: TarType
  /** Length of the content in the archive. */
  readonly sizeBytes: number
  /** Where a link leads; empty for others. */
  readonly linkName: string
  /** Permissions, the set-id and sticky bits included. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Seconds since 1970, as decimal digits that may have a fraction. */
  readonly modified: string
  readonly device: { readonly major: number; readonly minor: number }
  /** Records of the extended header, the global one's included; bytes as characters. */
  readonly records: ReadonlyMap<string, string>
  /** The file's own length, for a sparse one (pax 1.0), whose content begins with a map. */
  readonly sparseBytes?: number
  /** To be read once, before the next member is asked for; what is not read is passed over. */
  readonly content: AsyncIterable<Uint8Array>
}

/** What is wrong with an archive, and in which member, where it is in one. */
export class TarInvalid extends Error {
  override readonly name = "TarInvalid"
  readonly member: string | undefined

  constructor(problem: string, member?: string) {
    super(problem)
    this.member = member
  }
}

/** Bytes as characters → text for people. */
export const printable = (name: string): string => Buffer.from(name, "latin1").toString("utf8")

const blockSize = 512

/** More than any file system allows a path or an attribute to have; GNU tar and Go write no more either. */
const maxExtensionBytes = 1 << 20

/** Writers fill up their last record, of 10 KiB as a rule. */
const maxTrailingBytes = 1 << 24

/** The members in order. The source is read to its end, so that whoever checks the whole of it can. */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember, void, void> {
  const bytes = new ByteSource(source)
  const globals = new Map<string, string>()
  let current: string | undefined
  // what is wrong with the compression is known by the member in which it shows
  const named = <A>(work: Promise<A>): Promise<A> =>
    work.catch((cause: unknown) => {
      throw cause instanceof CompressionInvalid ? new TarInvalid(cause.message, current) : cause
    })
  try {
    for (let count = 0; ; count++) {
      const header = await named(nextHeader(bytes, globals, count === 0 ? "there is nothing in it" : endOfArchive))
      if (header === undefined) break
      current = header.name
      let unread = header.sizeBytes
      const content = (async function* () {
        while (unread > 0) {
          const piece = await named(bytes.some(unread))
          if (piece.length === 0) throw cutOff(header.name)
          unread -= piece.length
          yield piece
        }
      })()
      yield { ...header, content }
      const skipped = unread + padding(header.sizeBytes)
      unread = 0
      if ((await named(bytes.skip(skipped))) < skipped) throw cutOff(header.name)
    }
    if ((await named(bytes.skip(maxTrailingBytes))) === maxTrailingBytes) throw new TarInvalid("goes on behind its end")
  } finally {
    await bytes.close()
  }
}

const padding = (sizeBytes: number) => (blockSize - (sizeBytes % blockSize)) % blockSize

const endOfArchive = "unexpected EOF"
const cutOff = (member?: string) => new TarInvalid(endOfArchive, member)

type Header = Omit<TarMember, "content">

/** Extended headers that go before the one of a member. */
interface Extensions {
  readonly records: Map<string, string>
  longName?: string
  longLink?: string
  /** Bytes so far. */
  bytes: number
}

/** The next member's header with everything said before it; absent at the end. */
const nextHeader = async (
  bytes: ByteSource,
  globals: Map<string, string>,
  withoutHeader: string,
): Promise<Header | undefined> => {
  const extensions: Extensions = { records: new Map(), bytes: 0 }
  for (;;) {
    const block = await bytes.take(blockSize)
    if (block.length < blockSize) throw new TarInvalid(block.length === 0 ? withoutHeader : endOfArchive)
    if (isEmpty(block)) {
      const second = await bytes.take(blockSize)
      if (second.length < blockSize || !isEmpty(second)) throw new TarInvalid("is damaged: an empty block among others")
      return undefined
    }
    if (!hasChecksum(block)) throw new TarInvalid("is no tar archive, or is damaged")
    const flag = String.fromCharCode(block[156] ?? 0)
    if (!"xgLK".includes(flag)) return headerOf(block, flag, new Map([...globals, ...extensions.records]), extensions)
    await extend(bytes, block, flag, { extensions, globals })
  }
}

const extend = async (
  bytes: ByteSource,
  block: Buffer,
  flag: string,
  { extensions, globals }: { readonly extensions: Extensions; readonly globals: Map<string, string> },
): Promise<void> => {
  const size = numberIn(block, 124, 12)
  extensions.bytes += size + blockSize
  const name = textIn(block, 0, 100)
  if (extensions.bytes > maxExtensionBytes)
    throw new TarInvalid(`has a header of more than ${maxExtensionBytes} bytes`, name)
  const content = await bytes.take(size + padding(size))
  if (content.length < size + padding(size)) throw cutOff(name)
  const text = content.subarray(0, size).toString("latin1")
  if (flag === "L") extensions.longName = untilZero(text)
  else if (flag === "K") extensions.longLink = untilZero(text)
  else for (const [key, value] of recordsOf(text, name)) (flag === "g" ? globals : extensions.records).set(key, value)
}

/** `LENGTH KEY=VALUE\n`, the length being that of the whole record. */
const recordsOf = (text: string, name: string): ReadonlyArray<readonly [key: string, value: string]> => {
  const records: Array<readonly [string, string]> = []
  for (let at = 0; at < text.length;) {
    const digits = /^\d{1,7} /.exec(text.slice(at, at + 8))?.[0]
    const end = at + Number(digits ?? 0)
    const equals = text.indexOf("=", at + (digits?.length ?? 0))
    const whole = digits !== undefined && end > at && end <= text.length && text[end - 1] === "\n"
    if (!whole || equals === -1 || equals >= end) throw new TarInvalid("has a damaged extended header", name)
    records.push([text.slice(at + digits.length, equals), text.slice(equals + 1, end - 1)])
    at = end
  }
  return records
}

const types: Readonly<Record<string, TarType>> = {
  "\0": "file",
  "0": "file",
  "1": "link",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
  "7": "file",
}

const headerOf = (
  block: Buffer,
  flag: string,
  records: ReadonlyMap<string, string>,
  { longLink, longName }: Extensions,
): Header => {
  const posix = block.subarray(257, 263).toString("latin1") === "ustar\0"
  const prefix = posix ? textIn(block, 345, 155) : ""
  const short = textIn(block, 0, 100)
  const sparse = sparseOf(records)
  const name = sparse?.name ?? value(records, "path") ?? longName ?? (prefix === "" ? short : `${prefix}/${short}`)
  const type = types[flag]
  if (type === undefined) throw new TarInvalid(`is of a type that is not known (${JSON.stringify(flag)})`, name)
  const number = (key: string, at: number, length: number) => {
    const text = value(records, key)
    return text === undefined ? numberIn(block, at, length) : decimal(text, key, name)
  }
  const isFile = type === "file"
  return {
    name,
    // archives from before POSIX say so by the name
    type: isFile && name.endsWith("/") ? "directory" : type,
    // what links and directories say of their length is not about content (Go `archive/tar`, isHeaderOnlyType)
    sizeBytes: isFile ? number("size", 124, 12) : 0,
    linkName:
      type === "link" || type === "symlink" ? (value(records, "linkpath") ?? longLink ?? textIn(block, 157, 100)) : "",
    mode: numberIn(block, 100, 8) & 0o7777,
    uid: number("uid", 108, 8),
    gid: number("gid", 116, 8),
    modified: value(records, "mtime") ?? String(instantIn(block, 136, 12)),
    device: { major: numberIn(block, 329, 8), minor: numberIn(block, 337, 8) },
    records,
    ...(sparse === undefined ? {} : { sparseBytes: sparse.sizeBytes }),
  }
}

/** A record that is there and not empty: an empty one takes back what was said before it. */
const value = (records: ReadonlyMap<string, string>, key: string): string | undefined => {
  const text = records.get(key)
  return text === "" ? undefined : text
}

/** Sparse files as GNU tar writes them to pax archives since 1.16. Older forms keep their map in the header. */
const sparseOf = (records: ReadonlyMap<string, string>) => {
  if (![...records.keys()].some((key) => key.startsWith("GNU.sparse."))) return undefined
  const name = value(records, "GNU.sparse.name") ?? value(records, "path") ?? ""
  if (records.get("GNU.sparse.major") !== "1" || records.get("GNU.sparse.minor") !== "0") {
    throw new TarInvalid("is a sparse file of a form that is not known", name)
  }
  return { name, sizeBytes: decimal(records.get("GNU.sparse.realsize") ?? "", "GNU.sparse.realsize", name) }
}

const decimal = (text: string, key: string, name: string): number => {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(number)) throw new TarInvalid(`has ${JSON.stringify(text)} for ${key}`, name)
  return number
}

const isEmpty = (block: Buffer): boolean => block.every((byte) => byte === 0)

/** The sum of all bytes of the header, those of the checksum itself taken for blanks. */
const hasChecksum = (block: Buffer): boolean => {
  let sum = 0
  for (let at = 0; at < blockSize; at++) sum += at >= 148 && at < 156 ? 32 : (block[at] ?? 0)
  return /^[ 0]*[0-7]*[ \0]*$/.test(block.toString("latin1", 148, 156)) && sum === numberIn(block, 148, 8)
}

const untilZero = (text: string): string => {
  const end = text.indexOf("\0")
  return end === -1 ? text : text.slice(0, end)
}

const textIn = (block: Buffer, at: number, length: number): string =>
  untilZero(block.toString("latin1", at, at + length))

/** As `numberIn`, but that an instant may lie before 1970. */
const instantIn = (block: Buffer, at: number, length: number): number =>
  block[at] === 0xff ? Number(BigInt.asIntN(64, block.readBigInt64BE(at + length - 8))) : numberIn(block, at, length)

/** Octal digits, or with the highest bit set a big-endian number (GNU tar, star). Those below zero are none of ours. */
const numberIn = (block: Buffer, at: number, length: number): number => {
  const first = block[at] ?? 0
  if ((first & 0x80) !== 0) {
    const number = BigInt(`0x${block.toString("hex", at + 1, at + length)}`)
    if (first !== 0x80 || number > BigInt(Number.MAX_SAFE_INTEGER))
      throw new TarInvalid("has a number out of range", textIn(block, 0, 100))
    return Number(number)
  }
  const digits = untilZero(block.toString("latin1", at, at + length)).trim()
  if (!/^[0-7]*$/.test(digits)) throw new TarInvalid("has a damaged number", textIn(block, 0, 100))
  return digits === "" ? 0 : Number.parseInt(digits, 8)
}
