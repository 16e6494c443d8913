/** Whether a checkpoint would thaw on a host, and why not. */
import * as Schema from "effect/Schema"
import { checkAspects } from "../values/CheckAspect.ts"

export const CheckFinding = Schema.Struct({
  aspect: Schema.Literals(checkAspects),
  /** `warning`: it may work, and may not. */
  status: Schema.Literals(["ok", "warning", "no"]),
  /** What was found; empty where the problem says it. */
  found: Schema.String,
  problem: Schema.String,
  remedy: Schema.String,
})
export type CheckFinding = typeof CheckFinding.Type

export const CheckpointCheck = Schema.Struct({
  source: Schema.String,
  kind: Schema.Literals(["container", "archive", "image"]),
  container: Schema.String,
  /** True when nothing says no. */
  thaws: Schema.Boolean,
  findings: Schema.Array(CheckFinding),
})
export type CheckpointCheck = typeof CheckpointCheck.Type
