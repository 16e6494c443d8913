/** The layers of an image, from the lowest to the topmost, with the names of the images that end there. */
import type { ImageFailure, ImageTree } from "@cryopod/entities"
import { ImageStore, type StoredImage } from "@cryopod/images"
import * as Effect from "effect/Effect"
import { repoTagsOf } from "./list.ts"

export const imageTree = Effect.fn("imageTree")(function* (
  ref: string,
): Effect.fn.Return<ImageTree, ImageFailure, ImageStore> {
  const store = yield* ImageStore
  const image = yield* store.resolve(ref)
  const images = yield* store.list
  return {
    Id: image.id,
    Tags: repoTagsOf(image),
    Size: image.sizeBytes,
    Layers: image.layers.map((layer, at) => ({
      diffId: layer.diffId,
      sizeBytes: layer.sizeBytes,
      tags: images.filter((other) => endsAt(other, image, at)).flatMap(repoTagsOf),
    })),
  }
})

const endsAt = (other: StoredImage, image: StoredImage, at: number): boolean =>
  other.layers.length === at + 1 && other.layers.every((layer, below) => layer.diffId === image.layers[below]?.diffId)
