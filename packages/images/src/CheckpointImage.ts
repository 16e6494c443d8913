/**
 * Checkpoint images: one layer of CRIU images and metadata, described by annotations.
 *
 * Making one copies nothing: the staged files become the layer by rename, and are read once for their digest, which the
 * archive of the layer has because that is the same every time (`planDirectory`). The annotations are labels of the
 * configuration as well, since Docker's formats, `save`'s default among them, have no annotations; a reader takes
 * `describingAnnotations`.
 */
import type { UnpackRules } from "@cryopod/archive"
import type { ImageInvalid } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { type CheckpointDescription, digested } from "./CheckpointDocuments.ts"
import { ImageStore, type StoreFailure } from "./ImageStore.ts"
import type { StoredImage } from "./ImageTables.ts"
import { type LayerFailure, Layers } from "./Layers.ts"

/**
 * Make an image of a staged checkpoint and name it; `ImageStore.addPending` does that later. `stagedDirectory` has finished
 * files, synced as far as they shall be, on the store's file system. On success they have moved into the store; on a
 * failure they are where they were. Durable on success but for the staged files themselves.
 */
export const createCheckpointImage = Effect.fn("createCheckpointImage")(function* (
  stagedDirectory: string,
  description: CheckpointDescription,
): Effect.fn.Return<StoredImage, ImageInvalid | StoreFailure, ImageStore> {
  const { layer, ...documents } = yield* digested(stagedDirectory, description)
  return yield* (yield* ImageStore).insert({
    ...documents,
    blobs: [],
    names: [description.name],
    unpacked: { diffId: layer.digest, directory: stagedDirectory },
  })
})

/** The unpacked files of a checkpoint image, to be read and never written; see `Layers.unpacked`. */
export const checkpointLayer = (imageId: string, rules: UnpackRules): Effect.Effect<string, LayerFailure, Layers> =>
  Layers.use((layers) => layers.unpacked(imageId, rules))

/** What an image says of itself: annotations of the manifest, and labels that say the same where it has none. */
export const describingAnnotations = (
  image: Pick<StoredImage, "annotations" | "labels">,
): Readonly<Record<string, string>> => ({ ...image.labels, ...image.annotations })
