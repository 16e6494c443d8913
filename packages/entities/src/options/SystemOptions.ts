/** Options of the commands on the engine's host. */
import { bool, type OptionValues } from "../Option.ts"

export const CheckFlags = {
  deep: bool({ cli: "deep", description: "Hold the engine's state against what is on disk as well" }),
}
export type CheckFlags = OptionValues<typeof CheckFlags>
