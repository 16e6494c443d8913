/**
 * A block through zlib, on Node's thread pool, all of it at once.
 *
 * Node's own functions for that have two pieces of almost every result and put them together in memory of its own: as much
 * again for the collector, whose work was a fifth of what a push of a gigabyte takes.
 */
import type { Transform } from "node:stream"
import type { Pieces } from "./Lent.ts"

export interface AtOnce {
  readonly through: Transform
  /** More than that is a failure. */
  readonly mostBytes?: number
}

/**
 * The pieces of the result, in order; all in the same memory, and nobody else's, when it has room for more than them
 * (`chunkSize`).
 */
export const atOnce = (block: Uint8Array, { mostBytes = Number.POSITIVE_INFINITY, through }: AtOnce): Promise<Pieces> =>
  new Promise((resolve, reject) => {
    const pieces: Array<Uint8Array> = []
    let bytes = 0
    through.on("data", (piece: Uint8Array) => {
      bytes += piece.length
      if (bytes > mostBytes) through.destroy(new Error(`there is more than ${mostBytes} bytes`))
      else pieces.push(piece)
    })
    through.on("error", reject)
    through.once("end", () => resolve(pieces))
    through.end(block)
  })
