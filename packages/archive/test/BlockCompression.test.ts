import { Readable } from "node:stream"
import { gunzipSync, zstdDecompressSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import { type BlockCompression, compressBlocks, compressionOf, decompressed } from "../src/index.ts"

const content = (length: number): Buffer => {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; at++) bytes[at] = Math.imul(at, 2_654_435_761) >>> 13
  return bytes
}

/** A source that uses its buffer again, as the archive of a directory does. */
async function* reused(bytes: Buffer, size: number) {
  const buffer = Buffer.alloc(size)
  for (let at = 0; at < bytes.length; at += size) {
    const length = bytes.copy(buffer, 0, at, Math.min(at + size, bytes.length))
    yield buffer.subarray(0, length)
  }
}

const gather = async (blocks: AsyncIterable<Uint8Array>) => {
  const gathered: Array<Uint8Array> = []
  for await (const block of blocks) gathered.push(block)
  return Buffer.concat(gathered)
}

const whole: Readonly<Record<BlockCompression, (bytes: Uint8Array) => Buffer>> = {
  gzip: gunzipSync,
  zstd: zstdDecompressSync,
}

describe.each<BlockCompression>(["gzip", "zstd"])("compression by blocks: %s", (compression) => {
  it.each([0, 1, 5000, 4 << 20, (4 << 20) + 1, (17 << 20) + 77])("gives %i bytes back", async (length) => {
    const bytes = content(length)
    const compressed = await gather(compressBlocks(reused(bytes, 700_001), compression))
    expect(compressionOf(compressed)).toBe(compression)
    expect((await gather(decompressed(Readable.from([compressed])))).equals(bytes)).toBe(true)
    expect(whole[compression](compressed).equals(bytes)).toBe(true)
  })

  it("makes the same bytes of the same content, however it comes", async () => {
    const bytes = content(9 << 20)
    const one = await gather(compressBlocks(reused(bytes, 1000), compression))
    const other = await gather(compressBlocks(reused(bytes, 3 << 20), compression))
    expect(one.equals(other)).toBe(true)
  })

  it("fails when its source does", async () => {
    const broken = async function* () {
      yield content(10)
      throw new Error("gone")
    }
    await expect(gather(compressBlocks(broken(), compression))).rejects.toThrow("gone")
  })
})
