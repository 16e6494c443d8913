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

/** Hands on blocks, each with memory of its own, that are valid until the second one behind it is asked for. */
export const lending = (): ((block: Uint8Array) => Generator<Uint8Array, void, void>) => {
  let before: Uint8Array | undefined
  return function* (block) {
    yield block
    if (before !== undefined) free(before)
    before = block
  }
}
