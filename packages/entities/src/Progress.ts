/**
 * How far an operation has come. Whoever wants to know puts a listener into the context of the call; without one nothing is
 * measured.
 */
import * as Context from "effect/Context"

/**
 * What takes long: the memory of processes, the digest of an image made of it, an archive on its way out or in, an image on its
 * way to or from somewhere.
 * Only one at a time in each operation.
 */
export interface ProgressStep {
  readonly what: "dump" | "digest" | "export" | "import" | "push" | "pull"
  /** As far as it is known, or can be guessed. */
  readonly totalBytes?: number
}

export interface ProgressListener {
  /** A step begins, and the one before it is over; or more is known of the one that is under way. */
  readonly step: (step: ProgressStep) => void
  /** So many bytes of the step are done by now. */
  readonly reached: (bytes: number) => void
}

export const Progress = Context.Reference<ProgressListener | undefined>("@cryopod/entities/Progress", {
  defaultValue: () => undefined,
})

/** The same blocks, told to the listener as they are asked for: the step begins with the first of them. */
export async function* counted<B extends Uint8Array>(
  blocks: AsyncIterable<B>,
  listener: ProgressListener | undefined,
  step: ProgressStep,
): AsyncGenerator<B, void, void> {
  let bytes = 0
  for await (const block of blocks) {
    if (bytes === 0) listener?.step(step)
    bytes += block.length
    listener?.reached(bytes)
    yield block
  }
}
