/** Options of the commands that look into checkpoints. */
import { bool, integer, type OptionValues, text } from "../Option.ts"

export const CheckpointInspectFlags = {
  environment: bool({
    cli: "ps-tree-env",
    rest: "environment",
    description: "Display processes with their environment variables",
  }),
}
export type CheckpointInspectFlags = OptionValues<typeof CheckpointInspectFlags>

export const CheckpointDiffFlags = {
  environment: bool({
    cli: "ps-tree-env",
    rest: "environment",
    description: "Compare environment variables as well",
  }),
  unchanged: bool({ cli: "show-unchanged", rest: "unchanged", description: "Show what is the same as well" }),
}
export type CheckpointDiffFlags = OptionValues<typeof CheckpointDiffFlags>

export const MemorySearchFlags = {
  pid: integer({ cli: "pid", short: "p", description: "Look at one process only", fallback: 0 }),
  search: text({ cli: "search", short: "s", description: "Text to look for", valueName: "string" }),
  searchRegex: text({
    cli: "search-regex",
    short: "r",
    description: "Regular expression to look for, in which a byte is a character",
    valueName: "string",
  }),
  context: integer({ cli: "context", short: "c", description: "Bytes to show around each match", fallback: 0 }),
}
export type MemorySearchFlags = OptionValues<typeof MemorySearchFlags>
