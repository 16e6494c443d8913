/**
 * The memory of a process in a dump: which addresses have pages, and where these lie.
 *
 *   pagemap-PID.img        head with the number of the pages file, then ranges of addresses in ascending order
 *   pages-NUMBER.img       the pages of all ranges that are present, one behind the other
 *   parent/                the dump before, which has the pages of the ranges that say so
 *
 * Nothing is read until it is asked for, and never more than that. Source: CRIU 4.2 `criu/pagemap.c`.
 */
import { type ByteSource, CriuImageInvalid, imageEntries } from "./CriuImage.ts"
import { pagemapEntry, pagemapFlags, pagemapHead } from "./images/memory.ts"
import { decode } from "./Protobuf.ts"

/** Of every processor that this project has been run on. */
export const pageBytes = 4096

/** Addresses in a row whose pages lie in a row. */
export interface PageRange {
  readonly address: bigint
  readonly sizeBytes: number
  /** Where the pages begin in the pages file; undefined when this dump does not have them. */
  readonly offset: number | undefined
  /** The dump before has them. */
  readonly inParent: boolean
}

export interface Pagemap {
  /** Number in the name of the pages file. */
  readonly pagesId: number
  /** In the order of their addresses. */
  readonly ranges: ReadonlyArray<PageRange>
}

/** Throws `CriuImageInvalid` and `ProtobufInvalid`. */
export const readPagemap = (source: ByteSource): Pagemap => {
  let pagesId = 0
  let offset = 0
  const ranges: Array<PageRange> = []
  for (const { message, table } of imageEntries(source, "pagemap")) {
    if (table === pagemapHead) {
      pagesId = decode(message, pagemapHead).pages_id
      continue
    }
    const {
      compat_nr_pages: compatible,
      flags,
      in_parent: before,
      nr_pages: pages,
      vaddr,
    } = decode(message, pagemapEntry)
    // before CRIU 3.0 a range that the parent has not got was present
    const inParent = flags === undefined ? before === true : (flags & pagemapFlags.parent) !== 0
    const isPresent = flags === undefined ? !inParent : (flags & pagemapFlags.present) !== 0
    const sizeBytes = (pages ?? compatible) * pageBytes
    ranges.push({ address: vaddr, sizeBytes, offset: isPresent ? offset : undefined, inParent })
    if (isPresent) offset += sizeBytes
  }
  return { pagesId, ranges }
}

/** Bytes at an address. Valid until the next ones are asked for. */
export interface MemoryBlock {
  readonly address: bigint
  readonly content: Uint8Array
}

export class ProcessMemory {
  readonly pagemap: Pagemap
  private readonly pages: ByteSource | undefined
  private readonly before: ProcessMemory | undefined

  /**
   * `pages` is the file that the pagemap names; `before` is the same memory in the dump before. Throws `CriuImageInvalid`
   * when the file is shorter than the pagemap says.
   */
  constructor(pagemap: Pagemap, pages: ByteSource | undefined, before?: ProcessMemory) {
    const needed = pagemap.ranges.findLast(({ offset }) => offset !== undefined)
    const end = needed === undefined ? 0 : (needed.offset ?? 0) + needed.sizeBytes
    if (end > (pages?.sizeBytes ?? 0)) throw new CriuImageInvalid("truncated", end, `pages-${pagemap.pagesId}.img`)
    this.pagemap = pagemap
    this.pages = pages
    this.before = before
  }

  /** Memory that there are pages for, in this dump or the one before. */
  get sizeBytes(): number {
    return this.held().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  /** As much as there is of a range of addresses, up to the first that has no page. */
  read(address: bigint, length: number): Uint8Array {
    const range = this.rangeOf(address)
    if (range === undefined) return none
    const within = Number(address - range.address)
    const wanted = Math.min(length, range.sizeBytes - within)
    const content = this.contentOf(range, within, wanted)
    if (content.length < wanted || wanted === length) return content
    const rest = this.read(address + BigInt(wanted), length - wanted)
    return rest.length === 0 ? content : Buffer.concat([content, rest])
  }

  /** Whether there is a page with this address. */
  has(address: bigint): boolean {
    const range = this.rangeOf(address)
    return range !== undefined && (range.offset !== undefined || range.inParent)
  }

  /** Addresses of all pages, in their order. */
  *addresses(): Generator<bigint, void, void> {
    for (const { address, inParent, sizeBytes } of this.held()) {
      const end = address + BigInt(sizeBytes)
      if (!inParent) for (let at = address; at < end; at += BigInt(pageBytes)) yield at
      // what a pagemap says of another dump may be wrong: its own says what is there
      else for (const at of this.before?.addresses() ?? []) if (at >= address && at < end) yield at
    }
  }

  /** Everything, in the order of addresses, in blocks of at most so many bytes. */
  *blocks(blockBytes: number): Generator<MemoryBlock, void, void> {
    for (const range of this.held()) {
      for (let at = 0; at < range.sizeBytes; at += blockBytes) {
        const content = this.contentOf(range, at, Math.min(blockBytes, range.sizeBytes - at))
        if (content.length === 0) break
        yield { address: range.address + BigInt(at), content }
      }
    }
  }

  private held(): ReadonlyArray<PageRange> {
    return this.pagemap.ranges.filter(
      ({ inParent, offset }) => offset !== undefined || (inParent && this.before !== undefined),
    )
  }

  private contentOf({ address, inParent, offset }: PageRange, at: number, length: number): Uint8Array {
    if (offset !== undefined) return this.pages?.read(offset + at, length) ?? none
    return inParent ? (this.before?.read(address + BigInt(at), length) ?? none) : none
  }

  private rangeOf(address: bigint): PageRange | undefined {
    const { ranges } = this.pagemap
    let [low, high] = [0, ranges.length - 1]
    while (low <= high) {
      const middle = (low + high) >>> 1
      const range = ranges[middle]
      if (range === undefined) return undefined
      if (address < range.address) high = middle - 1
      else if (address >= range.address + BigInt(range.sizeBytes)) low = middle + 1
      else return range
    }
    return undefined
  }
}

const none = new Uint8Array()

/** What lies between zero bytes: a command line, or an environment. */
export const zeroSeparated = (bytes: Uint8Array): ReadonlyArray<string> => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
  return (text.endsWith("\0") ? text.slice(0, -1) : text).split("\0")
}
