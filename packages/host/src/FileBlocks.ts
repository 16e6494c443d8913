/**
 * The bytes of a file in big blocks whose memory is used again: a stream makes a new one each time, and the collector, which is
 * called for by how much there is, takes longer than the reading.
 */
import * as fs from "node:fs"

export interface FileBlocksShape {
  /** Length of every block but the last. */
  readonly blockBytes: number
  /** A block is valid until so many more have been asked for. */
  readonly lasting: number
}

const usual: FileBlocksShape = { blockBytes: 1 << 20, lasting: 2 }

/**
 * A file by its path, or from where an open descriptor stands, which stays open. The next block is read while the current one
 * is worked on.
 */
export async function* fileBlocks(
  file: string | number,
  { blockBytes, lasting }: FileBlocksShape = usual,
): AsyncGenerator<Uint8Array, void, void> {
  const fd = typeof file === "string" ? fs.openSync(file, "r") : file
  const buffers = Array.from({ length: lasting + 1 }, () => Buffer.allocUnsafeSlow(blockBytes))
  const read = (turn: number) =>
    new Promise<Uint8Array>((done, failed) => {
      const buffer = buffers[turn % buffers.length] ?? Buffer.alloc(0)
      fs.read(fd, buffer, 0, blockBytes, null, (cause, length) =>
        cause === null ? done(buffer.subarray(0, length)) : failed(cause),
      )
    })
  let pending = read(0)
  try {
    for (let turn = 1; ; turn++) {
      const block = await pending
      if (block.length === 0) return
      pending = read(turn)
      // it is waited for in its turn; a failure before that is no unhandled one
      pending.catch(() => undefined)
      yield block
    }
  } finally {
    // the descriptor must not be closed under a read
    await Promise.allSettled([pending])
    if (typeof file === "string") fs.closeSync(fd)
  }
}
