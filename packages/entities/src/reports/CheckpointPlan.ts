/** What a checkpoint would freeze, where that would go, and what stands in the way of it. */
import * as Schema from "effect/Schema"
import { CheckFinding } from "./CheckpointCheck.ts"

export const CheckpointPlan = Schema.Struct({
  /** Id of the container. */
  id: Schema.String,
  container: Schema.String,
  /** Full name of an image, path of an archive, `stream`, or `container` for a checkpoint that stays with it. */
  destination: Schema.String,
  /** 0 for a container that does not run. */
  processes: Schema.Int,
  /** What the processes have in memory, about what a dump of them takes. */
  memoryBytes: Schema.Int,
  /** Changes of the root filesystem that would leave with the checkpoint; nothing for one that stays. */
  rootfs: Schema.Struct({ changed: Schema.Int, deleted: Schema.Int, sizeBytes: Schema.Int }),
  /** Volumes whose content would leave. */
  volumes: Schema.Array(Schema.Struct({ name: Schema.String, sizeBytes: Schema.Int })),
  /** True when nothing says no. */
  freezes: Schema.Boolean,
  findings: Schema.Array(CheckFinding),
})
export type CheckpointPlan = typeof CheckpointPlan.Type
