/**
 * Broken images for every decoder: well-formed ones, made by the decoders' own tables, with bytes of them changed. A decoder
 * may give a value or refuse with what it says it refuses with; anything else is a defect, and so is taking long.
 */
import {
  bytesSource,
  commonMagic,
  dumpStatistics,
  imageEntries,
  type ImageKind,
  imageKindOf,
  imageKinds,
  isImageProblem,
  ProcessMemory,
  Protobuf,
  readPagemap,
  restoreStatistics,
  serviceMagic,
} from "../src/index.ts"

/** Numbers that are the same for the same seed (mulberry32). */
export const randomNumbers = (seed: number) => {
  let state = seed >>> 0
  return (below: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
type Random = ReturnType<typeof randomNumbers>

export const kinds = Object.keys(imageKinds) as ReadonlyArray<ImageKind>

/** Every way in which bytes from elsewhere are read, by name. */
export const decoders: Readonly<Record<string, (bytes: Uint8Array) => void>> = {
  ...Object.fromEntries(
    kinds.map((kind) => [
      kind,
      (bytes: Uint8Array) => {
        for (const { message, table } of imageEntries(bytesSource(bytes), kind)) {
          const value = Protobuf.decode(message, table)
          Protobuf.encode(value, table)
        }
      },
    ]),
  ),
  kindOf: (bytes) => void imageKindOf(bytesSource(bytes)),
  dumpStatistics: (bytes) => void dumpStatistics(bytes),
  restoreStatistics: (bytes) => void restoreStatistics(bytes),
  memory: (bytes) => {
    const memory = new ProcessMemory(readPagemap(bytesSource(bytes)), bytesSource(new Uint8Array(1 << 14)))
    let pieces = 0
    for (const { address } of memory.blocks(1 << 12)) {
      memory.read(address, 64)
      if (++pieces > 64) break
    }
    memory.has(0x1000n)
    for (const _ of memory.addresses()) if (++pieces > 128) break
  },
}

/** The kind of image that a decoder reads. */
const kindFor = (decoder: string): ImageKind => {
  const others: Readonly<Record<string, ImageKind>> = {
    kindOf: "inventory",
    dumpStatistics: "stats",
    restoreStatistics: "stats",
    memory: "pagemap",
  }
  return others[decoder] ?? (decoder as ImageKind)
}

/** One broken image for a decoder. */
export const brokenImage = (decoder: string, random: Random): Uint8Array =>
  broken(image(kindFor(decoder), random), random)

const word = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}

const image = (kind: ImageKind, random: Random): Uint8Array => {
  const facts: {
    readonly magic: number
    readonly head?: string
    readonly first?: Protobuf.Message<Protobuf.Fields>
    readonly entry: Protobuf.Message<Protobuf.Fields>
  } = imageKinds[kind]
  const head = facts.head === "none" ? [] : [word(facts.head === "service" ? serviceMagic : commonMagic)]
  const entries = Array.from({ length: random(4) }, (_, at) => {
    const table = at === 0 ? (facts.first ?? facts.entry) : facts.entry
    const message = Protobuf.encode(value(table, random, 0) as never, table)
    return Buffer.concat([word(message.length), message])
  })
  return Buffer.concat([...head, word(facts.magic), ...entries])
}

const value = (table: Protobuf.Message<Protobuf.Fields>, random: Random, depth: number): object =>
  Object.fromEntries(
    [...table.byNumber.values()].flatMap(([name, { kind, rule }]) => {
      if (rule === "optional" && random(2) === 0) return []
      const one = () => scalar(kind, random, depth)
      if (rule === "repeated") return [[name, depth > 3 ? [] : Array.from({ length: random(3) }, one)]]
      // a message within itself has to end
      if (depth > 6 && rule === "optional") return []
      return [[name, one()]]
    }),
  )

const scalar = (kind: Protobuf.Field<unknown>["kind"], random: Random, depth: number): unknown => {
  if (typeof kind === "function") return value(kind(), random, depth + 1)
  if (typeof kind === "object") return value(kind, random, depth + 1)
  const number = [0, 1, 7, 4096, 2 ** 31, 2 ** 32 - 1, 2 ** 53 - 1][random(7)] ?? 0
  switch (kind) {
    case "bool":
      return random(2) === 1
    case "big":
    case "fixed":
      return BigInt.asUintN(64, BigInt(number) * BigInt(random(1 << 30)))
    case "bytes":
      return Uint8Array.from({ length: random(20) }, () => random(256))
    case "text":
      return "/some/path/".repeat(random(3))
    case "int":
    case "sint":
      return random(2) === 0 ? number : -number
    case "uint":
      return number
  }
}

const broken = (whole: Uint8Array, random: Random): Uint8Array => {
  let bytes = Buffer.from(whole)
  for (let times = random(4); times > 0 && bytes.length > 0; times--) {
    const at = random(bytes.length)
    switch (random(6)) {
      case 0:
        bytes = bytes.subarray(0, at)
        break
      case 1:
        bytes.writeUInt8(random(256), at)
        break
      case 2:
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random(8)), at)
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(1 + random(8), random(256)), bytes.subarray(at)])
        break
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(8))])
        break
      default:
        if (at + 4 <= bytes.length) bytes.writeUInt32LE([0, 1, 0x7fff_ffff, 0xffff_ffff][random(4)] ?? 0, at)
    }
  }
  return bytes
}

/** Undefined when the decoder did as it should; otherwise what it did. */
export const defectOf = (decoder: string, bytes: Uint8Array): string | undefined => {
  // the time of this process: a busy machine is no defect
  const began = process.cpuUsage()
  try {
    decoders[decoder]?.(bytes)
  } catch (cause) {
    if (!isImageProblem(cause)) return `threw ${String(cause)}`
  }
  const { system, user } = process.cpuUsage(began)
  const millis = (system + user) / 1000
  return millis > slowMillis ? `took ${Math.round(millis)} ms` : undefined
}

/** Inputs are a few kilobytes. */
const slowMillis = 2000
