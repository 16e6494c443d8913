/** What the engine tells about images, in libpod's field names. */
import * as Schema from "effect/Schema"

const strings = Schema.Array(Schema.String)
const labels = Schema.Record(Schema.String, Schema.String)

/** One image of the local store; `Created` in Unix seconds, `Size` in bytes of unpacked or stored content. */
export const ImageSummary = Schema.Struct({
  Id: Schema.String,
  ParentId: Schema.String,
  RepoTags: strings,
  RepoDigests: strings,
  Created: Schema.Int,
  CreatedAt: Schema.String,
  Size: Schema.Int,
  SharedSize: Schema.Int,
  VirtualSize: Schema.Int,
  Labels: labels,
  Containers: Schema.Int,
  Names: strings,
  Digest: Schema.String,
  Dangling: Schema.Boolean,
  /** True for an image that holds a checkpoint. */
  Checkpoint: Schema.Boolean,
})
export type ImageSummary = typeof ImageSummary.Type

export const ImageInspect = Schema.Struct({
  Id: Schema.String,
  Digest: Schema.String,
  RepoTags: strings,
  RepoDigests: strings,
  Parent: Schema.String,
  Comment: Schema.String,
  Created: Schema.String,
  Config: Schema.Record(Schema.String, Schema.Unknown),
  Version: Schema.String,
  Author: Schema.String,
  Architecture: Schema.String,
  Os: Schema.String,
  Size: Schema.Int,
  VirtualSize: Schema.Int,
  GraphDriver: Schema.Struct({ Name: Schema.String, Data: labels }),
  RootFS: Schema.Struct({ Type: Schema.String, Layers: strings }),
  Labels: Schema.NullOr(labels),
  Annotations: labels,
  ManifestType: Schema.String,
  User: Schema.String,
  History: Schema.Array(Schema.Unknown),
  NamesHistory: strings,
})
export type ImageInspect = typeof ImageInspect.Type

/** One removed name or image. */
export const ImageRemoval = Schema.Struct({ untagged: strings, deleted: strings })
export type ImageRemoval = typeof ImageRemoval.Type

/** The layers of an image, from the lowest to the topmost. */
export const ImageTree = Schema.Struct({
  Id: Schema.String,
  Tags: strings,
  Size: Schema.Int,
  Layers: Schema.Array(Schema.Struct({ diffId: Schema.String, sizeBytes: Schema.Int, tags: strings })),
})
export type ImageTree = typeof ImageTree.Type
