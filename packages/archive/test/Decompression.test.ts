import { randomBytes } from "node:crypto"
import * as zlib from "node:zlib"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { compressLasting, decompressed } from "../src/index.ts"
import { gather, pieces } from "./tars.ts"

/** Half of it compresses well, half not at all. */
const content = (bytes: number) =>
  Buffer.concat([randomBytes(bytes >> 1), Buffer.alloc(bytes - (bytes >> 1), "frozen ")])

/** Blocks that stay as they are. */
async function* lasting(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const { ZSTD_c_checksumFlag: checksum, ZSTD_c_contentSizeFlag: contentSize } = zlib.constants
const zstd = (bytes: Uint8Array, params = {}) => zlib.zstdCompressSync(bytes, { params })

/** RFC 8878 §3.1.2: four bytes of a number, four of a length, anything. */
const skippable = Buffer.concat([Buffer.from([0x53, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]), Buffer.from("hello")])

describe("compressed streams", () => {
  const bytes = content(9_000_001)
  const streams: ReadonlyArray<readonly [string, () => Promise<Uint8Array> | Uint8Array]> = [
    ["plain bytes", () => bytes],
    ["gzip", () => zlib.gzipSync(bytes)],
    ["gzip of many members", () => gather(compressLasting(lasting(bytes, 1 << 20), "gzip"))],
    ["zstd of many frames", () => gather(compressLasting(lasting(bytes, 1 << 20), "zstd"))],
    ["zstd in one big frame", () => zstd(bytes)],
    [
      "zstd with checksums",
      () => Buffer.concat([zstd(bytes.subarray(0, 999), { [checksum]: 1 }), zstd(bytes.subarray(999))]),
    ],
    ["zstd that does not tell its size", () => zstd(bytes, { [contentSize]: 0 })],
    [
      "zstd, small frames and then a big one",
      () => Buffer.concat([zstd(bytes.subarray(0, 10)), zstd(bytes.subarray(10, 10)), zstd(bytes.subarray(10))]),
    ],
    [
      "zstd with a frame to skip",
      () => Buffer.concat([zstd(bytes.subarray(0, 70_000)), skippable, zstd(bytes.subarray(70_000))]),
    ],
    ["zstd of what is all the same", () => Buffer.concat([zstd(bytes), zstd(Buffer.alloc(4 << 20))])],
  ]

  it.each(streams)("%s comes back whole, in whatever pieces it arrives", async (name, make) => {
    const packed = await make()
    const expected = name.includes("the same") ? Buffer.concat([bytes, Buffer.alloc(4 << 20)]) : bytes
    for (const size of [1 << 20, 65_536, 100_003]) {
      expect((await gather(decompressed(pieces(packed, size)))).equals(expected)).toBe(true)
    }
    const small = packed.subarray(0, 3)
    const rest = packed.subarray(3)
    const inTwo = async function* () {
      yield small
      yield rest
    }
    expect((await gather(decompressed(inTwo()))).equals(expected)).toBe(true)
  })

  const broken: ReadonlyArray<readonly [string, (packed: Uint8Array) => Uint8Array]> = [
    ["cut off in the middle", (packed) => packed.subarray(0, packed.length >> 1)],
    ["without its last byte", (packed) => packed.subarray(0, packed.length - 1)],
    ["with its head alone", (packed) => packed.subarray(0, 9)],
  ]
  const damaged: ReadonlyArray<readonly [string, () => Promise<Uint8Array> | Uint8Array]> = streams.filter(
    ([name]) => name !== "plain bytes" && !name.includes("the same"),
  )

  it.each(damaged.flatMap(([name, make]) => broken.map(([how, change]) => [name, how, make, change] as const)))(
    "%s, %s, fails",
    async (_, __, make, change) => {
      await expect(gather(decompressed(pieces(change(await make()), 65_536)))).rejects.toThrow(/^(gzip|zstd) data: /)
    },
  )

  it("with damage that its sum tells fails", async () => {
    for (const packed of [
      zlib.gzipSync(bytes),
      zstd(bytes, { [checksum]: 1 }),
      zstd(bytes.subarray(0, 4000), { [checksum]: 1 }),
    ]) {
      const changed = Buffer.from(packed)
      changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 0xff
      await expect(gather(decompressed(pieces(changed, 65_536)))).rejects.toThrow(/^(gzip|zstd) data: /)
    }
  })

  it.each([
    ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]],
    ["bzip2", [0x42, 0x5a, 0x68, 0x39]],
    ["lz4", [0x04, 0x22, 0x4d, 0x18]],
  ])("%s is named and refused", async (name, magic) => {
    await expect(gather(decompressed(pieces(Buffer.from(magic), 10)))).rejects.toThrow(
      `${name} compression is not supported`,
    )
  })

  it("with any bytes behind the head of zstd ends in an answer", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (tail) => {
        const stream = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), tail])
        const outcome: unknown = await gather(decompressed(pieces(stream, 7))).catch((cause: unknown) => cause)
        expect(Buffer.isBuffer(outcome) || (outcome as Error).name === "CompressionInvalid").toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it("does not believe a frame that tells of less than it holds", async () => {
    const frame = Buffer.from(zstd(Buffer.alloc(5_000, "x"), { [checksum]: 0 }))
    // a single segment with two bytes of size, which counts from 256
    frame.writeUInt16LE(10, 5)
    await expect(gather(decompressed(pieces(frame, 100)))).rejects.toThrow("zstd data")
  })

  it("stops its source when nobody wants more", async () => {
    let stopped = false
    const source = async function* () {
      try {
        for (;;) yield zstd(Buffer.alloc(1000))
      } finally {
        stopped = true
      }
    }
    for await (const _ of decompressed(source())) break
    expect(stopped).toBe(true)
  })
})
