/** Bytes that arrive in blocks of any size, taken out in the sizes that a reader needs. */

const none = new Uint8Array()

export class ByteSource {
  private readonly blocks: AsyncIterator<Uint8Array>
  private block: Uint8Array = none
  private at = 0

  constructor(blocks: AsyncIterable<Uint8Array>) {
    this.blocks = blocks[Symbol.asyncIterator]()
  }

  /** What is at hand, at the most `limit`, or the next block; empty only at the end. Valid until the next call. */
  async some(limit: number): Promise<Uint8Array> {
    while (this.at === this.block.length) {
      const next = await this.blocks.next()
      if (next.done === true) return none
      this.block = next.value
      this.at = 0
    }
    const piece = this.block.subarray(this.at, this.at + Math.min(limit, this.block.length - this.at))
    this.at += piece.length
    return piece
  }

  /** A copy of the next bytes; shorter only at the end. */
  async take(length: number): Promise<Buffer> {
    const taken = Buffer.allocUnsafe(length)
    return taken.subarray(0, await this.fill(taken))
  }

  /** Copy the next bytes into memory that is there; how many there were, fewer than it holds only at the end. */
  async fill(target: Uint8Array): Promise<number> {
    let filled = 0
    while (filled < target.length) {
      const piece = await this.some(target.length - filled)
      if (piece.length === 0) break
      target.set(piece, filled)
      filled += piece.length
    }
    return filled
  }

  /** Pass over bytes; how many there were. */
  async skip(length: number): Promise<number> {
    let skipped = 0
    while (skipped < length) {
      const piece = await this.some(length - skipped)
      if (piece.length === 0) break
      skipped += piece.length
    }
    return skipped
  }

  /** Everything that has not been taken. */
  async *rest(): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const piece = await this.some(Number.MAX_SAFE_INTEGER)
      if (piece.length === 0) return
      yield piece
    }
  }

  /** No more is wanted: whoever produces the bytes may stop. */
  async close(): Promise<void> {
    await this.blocks.return?.()
  }
}
