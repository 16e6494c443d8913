/** What a checkpoint image is called and says of itself, and the documents that follow from its digest. */
import { digestOfBytes, type Measured, measure, planDirectory, tarBlocks } from "@cryopod/archive"
import { counted, type CriuRestoreOptions, Progress, type StorageFailed } from "@cryopod/entities"
import { attempt } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { documentBytes, mediaTypes } from "./Documents.ts"

/** What is known of a checkpoint image before its digest; plain data. */
export interface CheckpointDescription {
  /** Full name, as `newName` gives it. */
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
  /** In Go's words, e.g. `amd64`. */
  readonly architecture: string
  /** RFC 3339. */
  readonly created: string
  /** What its restore needs. */
  readonly needs: CriuRestoreOptions
}

/** A checkpoint's documents, for which its files are read. */
export const digested = Effect.fnUntraced(function* (
  directory: string,
  { annotations, architecture, created, needs }: CheckpointDescription,
): Effect.fn.Return<
  {
    readonly layer: Measured
    readonly config: Uint8Array
    readonly manifest: Uint8Array
    readonly madeHere: CriuRestoreOptions
  },
  StorageFailed
> {
  const listener = yield* Progress
  const layer = yield* attempt("read", directory, async (signal) => {
    const plan = await planDirectory(directory)
    const blocks = counted(tarBlocks(plan), listener, { what: "digest", totalBytes: plan.sizeBytes })
    return measure(blocks, () => signal.throwIfAborted())
  })
  const config = documentBytes({
    created,
    architecture,
    os: "linux",
    config: { Labels: annotations },
    rootfs: { type: "layers", diff_ids: [layer.digest] },
    history: [{ created, created_by: "cryopod container checkpoint" }],
  })
  const manifest = documentBytes({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: digestOfBytes(config), size: config.length },
    layers: [{ mediaType: mediaTypes.layer, digest: layer.digest, size: layer.sizeBytes }],
    annotations,
  })
  return { layer, config, manifest, madeHere: needs }
})
