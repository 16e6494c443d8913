/**
 * Checkpoint images: one layer of CRIU images and metadata, described by annotations.
 *
 * Making one copies nothing: the staged files become the layer by rename, and are read once for their digest. The
 * annotations are labels of the configuration as well, since Docker's formats, `save`'s default among them, have no
 * annotations; a reader takes `describingAnnotations`.
 */
import type { AheadDigest, UnpackRules } from "@cryopod/archive"
import type { ImageInvalid } from "@cryopod/entities"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { digestOfBytes } from "@cryopod/archive"
import { documentBytes, mediaTypes } from "./Documents.ts"
import { ImageStore, type StoreFailure } from "./ImageStore.ts"
import type { StoredImage } from "./ImageTables.ts"
import { type LayerFailure, Layers } from "./Layers.ts"

export interface NewCheckpointImage {
  /**
   * Finished files, synced as far as they shall be, on the store's file system. On success they have moved into the
   * store; on a failure they are where they were.
   */
  readonly stagedDirectory: string
  /** What has been hashed of the layer's archive while its files were written. */
  readonly ahead?: AheadDigest | undefined
  /** Full name, as `newName` gives it. */
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
  /** In Go's words, e.g. `amd64`. */
  readonly architecture: string
  readonly created: DateTime.Utc
}

export interface CheckpointImage {
  readonly imageId: string
  readonly manifestDigest: string
  /** Length of the layer's archive. */
  readonly sizeBytes: number
}

/** Make an image of a staged checkpoint and name it; durable on success but for the staged files themselves. */
export const createCheckpointImage = Effect.fn("createCheckpointImage")(function* (
  checkpoint: NewCheckpointImage,
): Effect.fn.Return<CheckpointImage, ImageInvalid | StoreFailure, ImageStore | Layers> {
  const store = yield* ImageStore
  const layer = yield* (yield* Layers).measure(checkpoint.stagedDirectory, checkpoint.ahead)
  const created = DateTime.formatIso(checkpoint.created)
  const config = documentBytes({
    created,
    architecture: checkpoint.architecture,
    os: "linux",
    config: { Labels: checkpoint.annotations },
    rootfs: { type: "layers", diff_ids: [layer.digest] },
    history: [{ created, created_by: "cryopod container checkpoint" }],
  })
  const manifest = documentBytes({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: digestOfBytes(config), size: config.length },
    layers: [{ mediaType: mediaTypes.layer, digest: layer.digest, size: layer.sizeBytes }],
    annotations: checkpoint.annotations,
  })
  const image = yield* store.insert({
    manifest,
    config,
    blobs: [],
    names: [checkpoint.name],
    unpacked: { diffId: layer.digest, directory: checkpoint.stagedDirectory },
  })
  return { imageId: image.id, manifestDigest: image.manifestDigest, sizeBytes: layer.sizeBytes }
})

/** The unpacked files of a checkpoint image, to be read and never written; see `Layers.unpacked`. */
export const checkpointLayer = (imageId: string, rules: UnpackRules): Effect.Effect<string, LayerFailure, Layers> =>
  Layers.use((layers) => layers.unpacked(imageId, rules))

/** What an image says of itself: annotations of the manifest, and labels that say the same where it has none. */
export const describingAnnotations = (
  image: Pick<StoredImage, "annotations" | "labels">,
): Readonly<Record<string, string>> => ({ ...image.labels, ...image.annotations })
