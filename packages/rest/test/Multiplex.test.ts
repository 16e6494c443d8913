import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { encodeFrame, type Frame, frameDecoder } from "../src/index.ts"

const frames = fc.array(
  fc.record({
    stream: fc.constantFrom<Frame["stream"]>("stdin", "stdout", "stderr", "error"),
    content: fc.uint8Array({ maxLength: 300 }),
  }),
)

describe("frames", () => {
  it("have eight bytes of header in Docker's order", () => {
    expect([...encodeFrame({ stream: "stderr", content: Buffer.from("hi") })]).toEqual([
      2, 0, 0, 0, 0, 0, 0, 2, 104, 105,
    ])
  })

  it("come back whole however the bytes are cut", () => {
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 40 }), (wanted, piece) => {
        const bytes = Buffer.concat(wanted.map(encodeFrame))
        const decode = frameDecoder()
        const got: Array<Frame> = []
        for (let at = 0; at < bytes.length; at += piece) got.push(...decode(bytes.subarray(at, at + piece)))
        expect(got.map(({ content, stream }) => [stream, [...content]])).toEqual(
          wanted.map(({ content, stream }) => [stream, [...content]]),
        )
      }),
    )
  })

  it.each([
    ["an unknown stream", [9, 0, 0, 0, 0, 0, 0, 1, 1]],
    ["a length nobody sends", [1, 0, 0, 0, 255, 255, 255, 255]],
  ])("are refused with %s", (_, bytes) => {
    expect(() => frameDecoder()(Uint8Array.from(bytes))).toThrow("not in frames")
  })
})
