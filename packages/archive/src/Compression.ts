/** How a stream is compressed, told by its first bytes and never by its name. */
import { ByteSource } from "./ByteSource.ts"

export type Compression = "none" | "gzip" | "zstd"

/** RFC 1952 §2.3.1 and RFC 8878 §3.1.1. */
export const compressionOf = (head: Uint8Array): Compression => {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip"
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return "zstd"
  // a frame to be skipped, with which pzstd begins
  if ((head[0] ?? 0) >>> 4 === 5 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18) return "zstd"
  return "none"
}

/** The name of a compression that is told apart only to say that it is not supported. */
export const foreignCompression = (head: Uint8Array): string | undefined =>
  strangers.find(({ magic }) => magic.every((byte, at) => head[at] === byte))?.name

const strangers = [
  { name: "xz", magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a] },
  { name: "bzip2", magic: [0x42, 0x5a, 0x68] },
  { name: "lz4", magic: [0x04, 0x22, 0x4d, 0x18] },
]

/** What is wrong with compressed bytes. */
export class CompressionInvalid extends Error {
  override readonly name = "CompressionInvalid"
}

/** Bytes that tell a compression; all of a shorter stream. */
const headBytes = 8

/** The first bytes of a stream, and the whole of it. */
export const peek = async (
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly head: Uint8Array; readonly blocks: AsyncGenerator<Uint8Array, void, void> }> => {
  const bytes = new ByteSource(source)
  const head = await bytes.take(headBytes)
  const blocks = (async function* () {
    try {
      if (head.length > 0) yield head
      yield* bytes.rest()
    } finally {
      await bytes.close()
    }
  })()
  return { head, blocks }
}
