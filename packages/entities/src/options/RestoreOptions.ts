/** Options of `container restore`; see `CheckpointOptions` for how flat flags become a request. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { OptionConflict } from "../failures/OptionConflict.ts"
import { bool, text } from "../Option.ts"
import { type ContainerSelection, selectionOf } from "../Selection.ts"

export const RestoreFlags = Schema.Struct({
  all: bool({ cli: "all", short: "a", description: "Restore all checkpointed containers" }),
  latest: bool({ cli: "latest", short: "l", description: "Act on the latest container" }),
  name: text({
    cli: "name",
    short: "n",
    description: "Specify new name for container restored from exported checkpoint (only works with image or --import)",
  }),
  keep: bool({ cli: "keep", short: "k", description: "Keep all temporary checkpoint files" }),
  fileLocks: bool({ cli: "file-locks", description: "Restore a container with file locks" }),
  tcpEstablished: bool({
    cli: "tcp-established",
    description: "Restore a container with established TCP connections",
  }),
  tcpClose: bool({
    cli: "tcp-close",
    description: "Restore a container but close the TCP connections",
  }),
  printStats: bool({ cli: "print-stats", description: "Display restore statistics" }),
})
export type RestoreFlags = typeof RestoreFlags.Type

/** What happens to TCP connections that were established when the checkpoint was made. */
export type TcpConnections = "refuse" | "keep" | "close"

export interface RestoreOptions {
  /** New name, with which the container gets a new id; only for a checkpoint image. */
  readonly name?: string
  /** The checkpoint and CRIU's log and statistics stay in the bundle. */
  readonly keep: boolean
  readonly fileLocks: boolean
  readonly tcp: TcpConnections
}

/** Names mean containers first, checkpoint images otherwise; each is looked up by itself. */
export interface RestoreRequest {
  readonly selection: ContainerSelection
  readonly options: RestoreOptions
}

/** Reads flat flags and names into a request, or refuses with Podman's text. */
export const restoreRequest = (
  flags: RestoreFlags,
  names: ReadonlyArray<string>,
): Result.Result<RestoreRequest, OptionConflict> => {
  const refuse = (rule: OptionConflict["rule"]) => Result.fail(new OptionConflict({ rule }))
  if (flags.tcpEstablished && flags.name !== "") return refuse("tcpEstablishedWithName")
  if (flags.tcpEstablished && flags.tcpClose) return refuse("tcpBoth")
  if (flags.name !== "" && names.length > 1) return refuse("nameWithSeveral")
  if (flags.name !== "" && (flags.all || flags.latest)) return refuse("nameWithoutImage")
  return Result.map(selectionOf(flags, names), (selection) => ({
    selection,
    options: {
      ...(flags.name === "" ? {} : { name: flags.name }),
      keep: flags.keep,
      fileLocks: flags.fileLocks,
      tcp: flags.tcpEstablished ? "keep" : flags.tcpClose ? "close" : "refuse",
    },
  }))
}
