/**
 * Pieces of memory one behind the other, as the body of an answer:
 *
 *   | address, 8 | length, 4 | content | address, 8 | …
 *
 * Numbers are big-endian.
 */
import type { MemoryPiece } from "@cryopod/entities"

const headBytes = 12

export const encodeMemory = ({ address, content }: MemoryPiece): Uint8Array => {
  const frame = Buffer.alloc(headBytes + content.length)
  frame.writeBigUInt64BE(address, 0)
  frame.writeUInt32BE(content.length, 8)
  frame.set(content, headBytes)
  return frame
}

/** Takes bytes as they come, and gives the pieces that are complete. */
export class MemoryFrames {
  private rest: Buffer = Buffer.alloc(0)

  take(bytes: Uint8Array): ReadonlyArray<MemoryPiece> {
    this.rest = Buffer.concat([this.rest, bytes])
    const pieces: Array<MemoryPiece> = []
    for (;;) {
      const length = this.rest.length < headBytes ? undefined : this.rest.readUInt32BE(8)
      if (length === undefined || this.rest.length < headBytes + length) return pieces
      pieces.push({
        address: this.rest.readBigUInt64BE(0),
        content: this.rest.subarray(headBytes, headBytes + length),
      })
      this.rest = this.rest.subarray(headBytes + length)
    }
  }

  /** False when the last piece was cut off. */
  get complete(): boolean {
    return this.rest.length === 0
  }
}
