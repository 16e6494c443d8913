import { randomBytes } from "node:crypto"
import { Readable, Writable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { gunzipSync, zstdDecompressSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import { type BlockCompression, compressionOf, compressLasting, decompressed } from "../src/index.ts"

const content = (length: number): Buffer => {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; at++) bytes[at] = Math.imul(at, 2_654_435_761) >>> 13
  return bytes
}

/** A source that uses each of its buffers again when five more have been asked for. */
async function* reused(bytes: Buffer, size: number) {
  const buffers = Array.from({ length: 5 }, () => Buffer.alloc(size))
  for (let at = 0; at < bytes.length; at += size) {
    const buffer = buffers[(at / size) % buffers.length] ?? Buffer.alloc(0)
    const length = bytes.copy(buffer, 0, at, Math.min(at + size, bytes.length))
    yield buffer.subarray(0, length)
  }
}

const collect = async (blocks: AsyncIterable<Uint8Array>) => {
  const collected: Array<Uint8Array> = []
  for await (const block of blocks) collected.push(Uint8Array.from(block))
  return collected
}

const gather = async (blocks: AsyncIterable<Uint8Array>) => Buffer.concat(await collect(blocks))

const whole: Readonly<Record<BlockCompression, (bytes: Uint8Array) => Buffer>> = {
  gzip: gunzipSync,
  zstd: zstdDecompressSync,
}

it("frames of zstd say how long their content is, so that they can be unpacked side by side", async () => {
  const [first = new Uint8Array()] = await collect(compressLasting(reused(content(3 << 20), 2 << 20), "zstd"))
  // RFC 8878 §3.1.1.1.1: the flag of the field, and the field behind the descriptor and the window
  expect((first[4] ?? 0) >> 6).toBe(2)
  expect(Buffer.from(first).readUInt32LE((first[4] ?? 0) & 0x20 ? 5 : 6)).toBe(2 << 20)
})

describe.each<BlockCompression>(["gzip", "zstd"])("compression by blocks: %s", (compression) => {
  it.each([1, 5000, 4 << 20, (4 << 20) + 1, (17 << 20) + 77])("gives %i bytes back", async (length) => {
    const bytes = content(length)
    const compressed = await gather(compressLasting(reused(bytes, 1 << 20), compression))
    expect(compressionOf(compressed)).toBe(compression)
    expect((await gather(decompressed(Readable.from([compressed])))).equals(bytes)).toBe(true)
    expect(whole[compression](compressed).equals(bytes)).toBe(true)
  })

  it("can be read by a stream that gathers what is small, and is slow", async () => {
    const parts = Array.from({ length: 24 }, (_, at) =>
      at % 4 === 3 ? randomBytes(2 << 20) : Buffer.alloc(2 << 20, at),
    )
    const bytes = Buffer.concat(parts)
    const written: Array<Buffer> = []
    const slow = new Writable({
      write: (block: Buffer, _, done) =>
        void setTimeout(() => {
          written.push(Buffer.from(block))
          done()
        }, 2),
    })
    await pipeline(compressLasting(reused(bytes, 2 << 20), compression), slow)
    expect(whole[compression](Buffer.concat(written)).equals(bytes)).toBe(true)
  })

  it("leaves nothing to the collector", async () => {
    const block = randomBytes(2 << 20)
    const blocks = async function* () {
      for (let at = 0; at < 64; at++) yield block
    }
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    for await (const _ of compressLasting(blocks(), compression))
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    // of 128 MiB that come out, those that are under way
    expect(most).toBeLessThan(20 << 20)
  })

  it("fails when its source does", async () => {
    const broken = async function* () {
      yield content(10)
      throw new Error("gone")
    }
    await expect(gather(compressLasting(broken(), compression))).rejects.toThrow("gone")
  })
})
