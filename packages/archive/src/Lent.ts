/**
 * Big blocks whose memory goes when they have been used.
 *
 * The collector is called for by how much lies outside of its own heap, looks through all of that heap each time, and frees
 * late: with an archive of a gigabyte that is a quarter of the time of its compression.
 */

/** Whatever is smaller may lie in memory that others have a part of (`Buffer.poolSize`). */
const leastFreed = 1 << 18

const free = ({ buffer }: Uint8Array): void => {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= leastFreed) buffer.transfer(0)
}

/** A stream that is given as much wants no more until it has passed it on. */
const awaitedBytes = 1 << 17

/** Of one result, in order. */
export type Pieces = ReadonlyArray<Uint8Array>

/**
 * Hands on pieces that are valid until the second one behind it is asked for; small ones, which streams may gather, longer than
 * that. Those that come at a time may have memory in common, which is nobody else's.
 */
export const lending = (): ((pieces: Pieces) => Generator<Uint8Array, void, void>) => {
  let before: Pieces = []
  return function* (pieces) {
    for (const piece of pieces) yield piece.length < awaitedBytes ? Buffer.from(piece) : piece
    for (const piece of before) free(piece)
    before = pieces
  }
}
