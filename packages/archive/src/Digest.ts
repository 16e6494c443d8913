/** SHA-256 of streams, in the OCI spelling `sha256:<hex>`. */
import { createHash } from "node:crypto"

export interface Measured {
  /** `sha256:<hex>`. */
  readonly digest: string
  readonly sizeBytes: number
}

export const digestOfBytes = (bytes: Uint8Array | string): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`

/** Read blocks to their end, hand each one on, and say what passed. */
export const measure = async (
  blocks: AsyncIterable<Uint8Array>,
  each: (block: Uint8Array) => Promise<void> | void = () => undefined,
): Promise<Measured> => {
  const hash = createHash("sha256")
  let sizeBytes = 0
  for await (const block of blocks) {
    hash.update(block)
    sizeBytes += block.length
    await each(block)
  }
  return { digest: `sha256:${hash.digest("hex")}`, sizeBytes }
}
