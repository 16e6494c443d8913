/**
 * CRIU's image files: what they begin with and how their entries follow each other.
 *
 *   | head magic, 4 | type magic, 4 | size, 4 | message | size, 4 | message | …
 *
 * All numbers are little-endian. `inventory.img` has no head magic. Files with payload between their entries (ghost
 * files, pipe and socket queues) and raw ones (pages, tar archives) are not of this shape.
 * Sources: CRIU 4.2 `criu/include/magic.h`, `criu/image.c` (`img_check_magic`), `criu/protobuf.c`.
 */

/** `IMG_COMMON_MAGIC`. */
export const commonMagic = 0x54564319
/** `IMG_SERVICE_MAGIC`: statistics and caches, which are no part of the dump. */
export const serviceMagic = 0x55105940

/** Type magics, by the names that CRIU gives its files. */
export const imageMagics = {
  inventory: 0x58313116,
  pstree: 0x50273030,
  core: 0x55053847,
  ids: 0x54432030,
  mm: 0x57492820,
  pagemap: 0x56084025,
  fdinfo: 0x56213732,
  files: 0x56303138,
  fs: 0x51403912,
  mountpoints: 0x55563928,
  cgroup: 0x59383330,
  seccomp: 0x64413049,
  creds: 0x54023547,
  apparmor: 0x59423047,
  netdev: 0x57373951,
  netns: 0x55933752,
  userns: 0x55474906,
  cpuinfo: 0x61404013,
  tcpStream: 0x51465506,
  ttyInfo: 0x59453036,
  stats: 0x57093306,
} as const

export type ImageKind = keyof typeof imageMagics

export class CriuImageInvalid extends Error {
  override readonly name = "CriuImageInvalid"
  readonly problem: "magic" | "truncated" | "empty" | "missingField"
  readonly offset: number

  constructor(problem: CriuImageInvalid["problem"], offset: number, detail = "") {
    super(`malformed CRIU image at byte ${offset}: ${problem}${detail === "" ? "" : ` ${detail}`}`)
    this.problem = problem
    this.offset = offset
  }
}

/** The messages of an image file, as views of its bytes. Throws `CriuImageInvalid`. */
export const imageEntries = (file: Uint8Array, kind: ImageKind): ReadonlyArray<Uint8Array> => {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const entries: Array<Uint8Array> = []
  for (let at = entriesOffset(view, kind); at < file.length;) {
    if (file.length - at < 4) throw new CriuImageInvalid("truncated", at, "size of an entry")
    const size = view.getUint32(at, true)
    at += 4
    if (size > file.length - at) throw new CriuImageInvalid("truncated", at, `entry of ${size} bytes`)
    entries.push(file.subarray(at, at + size))
    at += size
  }
  return entries
}

/** The only message of an image file that has one, such as `inventory.img` and `stats-dump`. */
export const imageEntry = (file: Uint8Array, kind: ImageKind): Uint8Array => {
  const [first] = imageEntries(file, kind)
  if (first === undefined) throw new CriuImageInvalid("empty", file.length)
  return first
}

const entriesOffset = (view: DataView, kind: ImageKind): number => {
  const expected = kind === "inventory" ? [imageMagics.inventory] : [headMagic(kind), imageMagics[kind]]
  for (const [index, magic] of expected.entries()) {
    const at = index * 4
    if (view.byteLength < at + 4) throw new CriuImageInvalid("truncated", at, "magic number")
    if (view.getUint32(at, true) !== magic) throw new CriuImageInvalid("magic", at)
  }
  return expected.length * 4
}

const headMagic = (kind: ImageKind) => (kind === "stats" ? serviceMagic : commonMagic)
