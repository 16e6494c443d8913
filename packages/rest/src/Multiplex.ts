/**
 * Docker's framing of several streams in one: logs, and attached containers and programs without a terminal.
 *
 * ```
 *  byte 0      1..3    4..7                8..
 * +----------+-------+-------------------+---------+
 * | stream   | zeros | length, big-endian| content |
 * +----------+-------+-------------------+---------+
 * ```
 *
 * Stream 1 is standard output, 2 standard error, 0 standard input (as an echo), 3 an error of the service itself
 * (moby `pkg/stdcopy`, podman `pkg/bindings/containers/attach.go`).
 */

export type FrameStream = "stdin" | "stdout" | "stderr" | "error"

export interface Frame {
  readonly stream: FrameStream
  readonly content: Uint8Array
}

const headerLength = 8
const streams: ReadonlyArray<FrameStream> = ["stdin", "stdout", "stderr", "error"]

/** One frame; the content is copied behind its header. */
export const encodeFrame = ({ content, stream }: Frame): Uint8Array => {
  const frame = new Uint8Array(headerLength + content.length)
  frame[0] = streams.indexOf(stream)
  new DataView(frame.buffer).setUint32(4, content.length)
  frame.set(content, headerLength)
  return frame
}

/** Frames longer than this are taken for bytes that are no frames at all. */
export const maximumFrameBytes = 16 * 2 ** 20

/** Takes bytes as they come and gives the frames that are complete with them. */
export const frameDecoder = (): ((bytes: Uint8Array) => ReadonlyArray<Frame>) => {
  let rest: Uint8Array = new Uint8Array(0)
  return (bytes) => {
    rest = rest.length === 0 ? bytes : concatenated(rest, bytes)
    const frames: Array<Frame> = []
    while (rest.length >= headerLength) {
      const length = new DataView(rest.buffer, rest.byteOffset).getUint32(4)
      const stream = streams[rest[0] ?? 0]
      if (stream === undefined || length > maximumFrameBytes) throw new Error("the stream is not in frames")
      if (rest.length < headerLength + length) break
      frames.push({ stream, content: rest.slice(headerLength, headerLength + length) })
      rest = rest.subarray(headerLength + length)
    }
    return frames
  }
}

const concatenated = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}
