/**
 * Options of `container checkpoint`.
 *
 * The flat fields are what a command line or a query can say; the union is what the engine is given, in which the
 * combinations that Podman refuses cannot be written.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { OptionConflict } from "../failures/OptionConflict.ts"
import { bool, text } from "../Option.ts"
import { type ContainerSelection, selectionOf } from "../Selection.ts"

export const CheckpointFlags = Schema.Struct({
  all: bool({ cli: "all", short: "a", description: "Checkpoint all running containers" }),
  latest: bool({ cli: "latest", short: "l", description: "Act on the latest container" }),
  createImage: text({
    cli: "create-image",
    description: "Create checkpoint image with specified name",
    valueName: "string",
  }),
  leaveRunning: bool({
    cli: "leave-running",
    short: "R",
    description: "Leave the container running after writing checkpoint to disk",
  }),
  keep: bool({ cli: "keep", short: "k", description: "Keep all temporary checkpoint files" }),
  fileLocks: bool({ cli: "file-locks", description: "Checkpoint a container with file locks" }),
  tcpEstablished: bool({
    cli: "tcp-established",
    description: "Checkpoint a container with established TCP connections",
  }),
  printStats: bool({ cli: "print-stats", description: "Display checkpoint statistics" }),
})
export type CheckpointFlags = typeof CheckpointFlags.Type

/** Where the checkpoint goes: it stays with the container, or becomes an image of the local store as well. */
export type CheckpointTarget =
  | { readonly _tag: "Container" }
  | {
      readonly _tag: "Image"
      /** Name of the image, as the caller wrote it. */
      readonly name: string
    }

export interface CheckpointOptions {
  readonly target: CheckpointTarget
  /** The container runs on after the checkpoint; its memory and files are of one instant. */
  readonly leaveRunning: boolean
  /** CRIU's log and statistics stay in the bundle. */
  readonly keep: boolean
  /** File locks held by the container are part of the checkpoint. */
  readonly fileLocks: boolean
  /** Established TCP connections are part of the checkpoint. */
  readonly tcpEstablished: boolean
}

export interface CheckpointRequest {
  readonly selection: ContainerSelection
  readonly options: CheckpointOptions
}

/** Reads flat flags and names into a request, or refuses with Podman's text. */
export const checkpointRequest = (
  flags: CheckpointFlags,
  names: ReadonlyArray<string>,
): Result.Result<CheckpointRequest, OptionConflict> =>
  Result.map(selectionOf(flags, names), (selection) => ({
    selection,
    options: {
      target: flags.createImage === "" ? { _tag: "Container" } : { _tag: "Image", name: flags.createImage },
      leaveRunning: flags.leaveRunning,
      keep: flags.keep,
      fileLocks: flags.fileLocks,
      tcpEstablished: flags.tcpEstablished,
    },
  }))
