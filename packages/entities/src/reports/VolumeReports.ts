/** What the engine tells about volumes, in libpod's field names (`libpod/define` InspectVolumeData). */
import * as Schema from "effect/Schema"

const texts = Schema.Record(Schema.String, Schema.String)

export const VolumeInspect = Schema.Struct({
  Name: Schema.String,
  Driver: Schema.String,
  /** Directory of the content on the engine's host. */
  Mountpoint: Schema.String,
  /** RFC 3339 in UTC. */
  CreatedAt: Schema.String,
  Labels: texts,
  Scope: Schema.Literal("local"),
  Options: texts,
  /** Owner of the content, when one was asked for. */
  UID: Schema.optionalKey(Schema.Int),
  GID: Schema.optionalKey(Schema.Int),
  /** Made for a container that named none; it goes with `rm --volumes`. */
  Anonymous: Schema.optionalKey(Schema.Boolean),
  /** Running containers that hold the volume's own file system; 0 for one that has none of its own. */
  MountCount: Schema.Int,
  /** The first container that mounts it fills it with what its image has there. */
  NeedsCopyUp: Schema.optionalKey(Schema.Boolean),
  /** The first container that mounts it gives it an owner. */
  NeedsChown: Schema.optionalKey(Schema.Boolean),
  LockNumber: Schema.Int,
})
export type VolumeInspect = typeof VolumeInspect.Type
