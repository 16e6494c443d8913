/** Options of the commands on the engine's host. */
import * as Schema from "effect/Schema"
import { bool } from "../Option.ts"

export const CheckFlags = Schema.Struct({
  deep: bool({ cli: "deep", description: "Hold the engine's state against what is on disk as well" }),
})
export type CheckFlags = typeof CheckFlags.Type
