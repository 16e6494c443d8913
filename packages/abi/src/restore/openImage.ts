/** Open a checkpoint image: its layer is the directory of the members. */
import { checkpointRules } from "@cryopod/checkpoint"
import {
  type CheckpointInvalid,
  type HostFailure,
  type ImageFailure,
  isCheckpointImage,
  NotACheckpoint,
} from "@cryopod/entities"
import { checkpointLayer, describingAnnotations, type Layers, type StoredImage } from "@cryopod/images"
import type { Database } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { originOf, pulledAs } from "../policy/Origins.ts"
import { type OpenedCheckpoint, readMembers } from "./open.ts"

export const openImage = Effect.fn("restore.openImage")(function* (
  image: StoredImage,
  source: string,
): Effect.fn.Return<
  OpenedCheckpoint,
  NotACheckpoint | CheckpointInvalid | HostFailure | ImageFailure,
  Database | Layers
> {
  const annotations = describingAnnotations(image)
  if (!isCheckpointImage(annotations)) return yield* new NotACheckpoint({ id: image.id })
  const members = yield* checkpointLayer(image.id, { archive: source, ...checkpointRules })
  return {
    source,
    members,
    files: "shared",
    ...(yield* originOf([image.id])),
    from: { _tag: "Image", names: yield* pulledAs(image.id) },
    imageId: image.id,
    ...(yield* readMembers(source, members)),
    annotations,
    architecture: image.architecture,
    warnings: [],
  }
})
