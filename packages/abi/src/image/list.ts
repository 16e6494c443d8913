/** The images of the store as `images` shows them, newest first. */
import {
  filterImages,
  type ImageFailure,
  type ImageListFlags,
  type ImageSummary,
  isCheckpointImage,
  matchesReference,
  repositoryOfName,
} from "@cryopod/entities"
import { describingAnnotations, ImageStore, ImageUse, type StoredImage } from "@cryopod/images"
import * as Effect from "effect/Effect"

export const listImages = Effect.fn("listImages")(function* (
  flags: ImageListFlags,
  refs: ReadonlyArray<string>,
): Effect.fn.Return<ReadonlyArray<ImageSummary>, ImageFailure, ImageStore | ImageUse> {
  const use = yield* ImageUse
  const images = yield* (yield* ImageStore).list
  const wanted = yield* Effect.fromResult(filterImages(images, flags.filter))
  const named = refs.length === 0 ? wanted : wanted.filter((image) => refs.some((ref) => matchesReference(image, ref)))
  return yield* Effect.forEach(named, (image) =>
    Effect.map(use.usedBy(image.id), (users) => summaryOf(image, users.length)),
  )
})

export const summaryOf = (image: StoredImage, containers: number): ImageSummary => ({
  Id: image.id,
  ParentId: "",
  RepoTags: repoTagsOf(image),
  RepoDigests: repoDigestsOf(image),
  Created: image.createdSeconds,
  CreatedAt: image.created,
  Size: image.sizeBytes,
  SharedSize: 0,
  VirtualSize: image.sizeBytes,
  Labels: image.labels,
  Containers: containers,
  Names: image.names,
  Digest: image.manifestDigest,
  Dangling: image.names.length === 0,
  Checkpoint: isCheckpointImage(describingAnnotations(image)),
})

/** Names with a tag; a name by digest is none. */
export const repoTagsOf = (image: StoredImage): ReadonlyArray<string> =>
  image.names.filter((name) => !name.includes("@"))

export const repoDigestsOf = (image: StoredImage): ReadonlyArray<string> =>
  [...new Set(image.names.map((name) => `${repositoryOfName(name)}@${image.manifestDigest}`))].toSorted()
