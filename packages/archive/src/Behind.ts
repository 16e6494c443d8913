/** Blocks that are worked on while the next one is made. */

/** `take` has a block until it is done with it; the source leaves that one as it is while it makes the next. */
export const takeBehind = async (
  blocks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  take: (block: Uint8Array) => Promise<void>,
): Promise<void> => {
  let taking = Promise.resolve()
  for await (const block of blocks) {
    signal.throwIfAborted()
    await taking
    taking = take(block)
    // it is waited for in its turn; a failure before that is no unhandled one
    taking.catch(() => undefined)
  }
  await taking
}
