/** zstd files are frames in a row, whoever made them. */
import { Readable } from "node:stream"
import { constants, createZstdCompress, zstdCompressSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import { decompressed } from "../src/index.ts"

const content = (length: number, seed: number): Buffer => {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; at++) bytes[at] = Math.imul(at + seed, 2_654_435_761) >>> 29
  return bytes
}

/** In pieces that end anywhere. */
function* pieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const gather = async (blocks: AsyncIterable<unknown>): Promise<Buffer> => {
  const gathered: Array<Buffer> = []
  for await (const block of blocks) gathered.push(Buffer.from(block as Uint8Array))
  return Buffer.concat(gathered)
}

const frame = (bytes: Buffer, checksum = 0) =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: checksum } })

/** As a stream makes them, which does not know at the beginning how much will come. */
const streamedFrame = async (bytes: Buffer): Promise<Buffer> =>
  gather(Readable.from(pieces(bytes, 50_000)).pipe(createZstdCompress()))

const skippable = (length: number): Buffer => {
  const header = Buffer.alloc(8)
  header.writeUInt32LE(0x184d2a53, 0)
  header.writeUInt32LE(length, 4)
  return Buffer.concat([header, Buffer.alloc(length, 7)])
}

describe("frames in a row", () => {
  const parts = [content(700_001, 1), content(0, 2), content(3, 3), content(9_000_000, 4), content(12_345, 5)]
  const whole = Buffer.concat(parts)

  it.each<readonly [string, () => Promise<Buffer>]>([
    ["small and big ones", async () => Buffer.concat(parts.map((part) => frame(part)))],
    ["with checksums", async () => Buffer.concat(parts.map((part) => frame(part, 1)))],
    ["that do not say how long they are", async () => Buffer.concat(await Promise.all(parts.map(streamedFrame)))],
    [
      "with others to be skipped",
      async () => Buffer.concat(parts.flatMap((part) => [skippable(100_000), frame(part), skippable(0)])),
    ],
  ])("%s are read to the end", async (_, made) => {
    const file = await made()
    for (const size of [1 << 20, 65_521, 4099]) {
      expect((await gather(decompressed(Readable.from(pieces(file, size))))).equals(whole)).toBe(true)
    }
  })

  it.each<readonly [string, RegExp, (file: Buffer) => Buffer]>([
    ["that end too early", /unexpected end/, (file) => file.subarray(0, file.length - 5)],
    ["with something else behind them", /something else/, (file) => Buffer.concat([file, Buffer.from("garbage")])],
  ])("%s are refused", async (_, problem, change) => {
    const file = change(Buffer.concat(parts.map((part) => frame(part))))
    await expect(gather(decompressed(Readable.from(pieces(file, 65_521))))).rejects.toThrow(problem)
  })

  it("with damaged content are refused", async () => {
    const file = frame(content(100_000, 8), 1)
    file.writeUInt8((file.at(-1) ?? 0) ^ 1, file.length - 1)
    await expect(gather(decompressed(Readable.from(pieces(file, 1000))))).rejects.toThrow(/zstd data/)
  })
})
