/** How a stream is compressed, told by its first bytes and never by its name. */
import { PassThrough, type Readable, type Transform } from "node:stream"
import * as zlib from "node:zlib"

export type Compression = "none" | "gzip" | "zstd"

/** RFC 1952 §2.3.1 and RFC 8878 §3.1.1. */
export const compressionOf = (head: Uint8Array): Compression => {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip"
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return "zstd"
  return "none"
}

/** Big output blocks: the default ones halve the rate. */
const outputBlockBytes = 1 << 20

export const decompressor = (compression: Compression): Transform => {
  switch (compression) {
    case "gzip":
      return zlib.createGunzip({ chunkSize: outputBlockBytes })
    case "zstd":
      return zlib.createZstdDecompress({ chunkSize: outputBlockBytes })
    case "none":
      return new PassThrough({ highWaterMark: outputBlockBytes })
  }
}

/** A stream's own first chunk, put back in front of the rest. */
export const peek = async (
  source: Readable,
): Promise<{ readonly head: Uint8Array; readonly stream: AsyncIterable<Uint8Array> }> => {
  const iterator = source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  const first = await iterator.next()
  const head = first.done === true ? new Uint8Array() : first.value
  const stream = (async function* () {
    if (head.length > 0) yield head
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
  })()
  return { head, stream }
}
