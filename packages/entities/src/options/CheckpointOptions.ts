/**
 * Options of `container checkpoint`.
 *
 * The flat fields are what a command line or a query can say; the unions are what the engine is given, in which the
 * combinations that Podman refuses cannot be written.
 */
import type * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { TargetShared } from "../failures/CheckpointFailures.ts"
import type { StorageFailed } from "../failures/HostFailures.ts"
import { OptionConflict } from "../failures/OptionConflict.ts"
import { bool, type OptionValues, text } from "../Option.ts"
import { type ContainerSelection, selectionOf } from "../Selection.ts"
import { parseSize } from "../values/Size.ts"
import { type CriuDumpOptions, criuDumpFields, defaultCriuDump, ghostLimitMaximum, NetworkLock } from "./CriuOptions.ts"

export const CheckpointFlags = {
  all: bool({ cli: "all", short: "a", description: "Checkpoint all running containers" }),
  latest: bool({ cli: "latest", short: "l", description: "Act on the latest container" }),
  export: text({
    cli: "export",
    short: "e",
    description: "Export the checkpoint image to a tar.zst (or tar, or tar.gz) archive",
    valueName: "string",
  }),
  compress: text({
    cli: "compress",
    short: "c",
    description: "Select compression algorithm (gzip, none, zstd) for checkpoint archive",
    fallback: "zstd",
  }),
  createImage: text({
    cli: "create-image",
    description: "Create checkpoint image with specified name",
    valueName: "string",
  }),
  ignoreRootfs: bool({
    cli: "ignore-rootfs",
    rest: "ignoreRootFS",
    description: "Do not include root file-system changes when exporting",
  }),
  ignoreVolumes: bool({ cli: "ignore-volumes", description: "Do not export volumes associated with container" }),
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
  preCheckpoint: bool({
    cli: "pre-checkpoint",
    short: "P",
    description: "Dump container's memory information only, leave the container running",
  }),
  withPrevious: bool({ cli: "with-previous", description: "Checkpoint container with pre-checkpoint images" }),
  ...criuDumpFields,
}
export type CheckpointFlags = OptionValues<typeof CheckpointFlags>

/** How an archive is compressed. */
export const ArchiveCompression = Schema.Literals(["gzip", "none", "zstd"])
export type ArchiveCompression = typeof ArchiveCompression.Type

/**
 * Where an archive goes: a file of the engine's host, complete under its name or not there; or whatever takes its
 * bytes, block by block. The next block comes when the last one has been taken, and is valid only until then.
 */
export type ArchiveDestination =
  | { readonly _tag: "File"; readonly path: string }
  | { readonly _tag: "Stream"; readonly write: (block: Uint8Array) => Effect.Effect<void, StorageFailed> }

/** Where the checkpoint goes: it stays with the container, or becomes an archive or an image of the local store as well. */
export type CheckpointTarget =
  | { readonly _tag: "Container" }
  | {
      readonly _tag: "Archive"
      readonly destination: ArchiveDestination
      readonly compression: ArchiveCompression
      readonly ignoreRootfs: boolean
      readonly ignoreVolumes: boolean
    }
  | {
      readonly _tag: "Image"
      /** Name of the image, as the caller wrote it. */
      readonly name: string
    }

/** Several containers never write one target: the last would take the place of the others. Undefined when they do not. */
export const sharedTarget = (target: CheckpointTarget, ids: ReadonlyArray<string>): TargetShared | undefined => {
  const containers = [...new Set(ids)]
  if (target._tag === "Container" || containers.length < 2) return undefined
  return new TargetShared({ target: targetName(target), containers })
}

/** What people call it; an image's name is as the caller wrote it. */
export const targetName = (target: CheckpointTarget): string => {
  switch (target._tag) {
    case "Container":
      return "container"
    case "Image":
      return target.name
    case "Archive":
      return target.destination._tag === "File" ? target.destination.path : "stream"
  }
}

/**
 * `full` takes everything; `preCheckpoint` takes the memory while the container runs on; `withPrevious` takes everything
 * but the memory that has not changed since the pre-checkpoint.
 */
export type CheckpointPhase = "full" | "preCheckpoint" | "withPrevious"

export interface CheckpointOptions extends CriuDumpOptions {
  readonly target: CheckpointTarget
  readonly phase: CheckpointPhase
  /** The container runs on after the checkpoint; its memory and files are of one instant. */
  readonly leaveRunning: boolean
  /** CRIU's log and statistics stay in the bundle. */
  readonly keep: boolean
  /** File locks held by the container are part of the checkpoint. */
  readonly fileLocks: boolean
  /** Established TCP connections are part of the checkpoint. */
  readonly tcpEstablished: boolean
}

/** A checkpoint that stays with its container, with every option at its default. */
export const defaultCheckpoint: CheckpointOptions = {
  target: { _tag: "Container" },
  phase: "full",
  leaveRunning: false,
  keep: false,
  fileLocks: false,
  tcpEstablished: false,
  ...defaultCriuDump,
}

export interface CheckpointRequest {
  readonly selection: ContainerSelection
  readonly options: CheckpointOptions
}

/** Reads flat flags and names into a request, or refuses with Podman's text. `given` are the flags that were set by hand. */
export const checkpointRequest = (
  flags: CheckpointFlags,
  names: ReadonlyArray<string>,
  given: ReadonlySet<keyof CheckpointFlags>,
): Result.Result<CheckpointRequest, OptionConflict> => {
  const refuse = (rule: OptionConflict["rule"], value?: string) =>
    Result.fail(new OptionConflict({ rule, ...(value === undefined ? {} : { value }) }))
  const exporting = flags.export !== ""
  const compression = compressions.find((name) => name === flags.compress.toLowerCase())
  if (given.has("compress") && !exporting) return refuse("compressWithoutExport")
  if (compression === undefined) return refuse("compressUnknown", flags.compress)
  if (flags.ignoreRootfs && !exporting) return refuse("ignoreRootfsWithoutExport")
  if (flags.ignoreVolumes && !exporting) return refuse("ignoreVolumesWithoutExport")
  if (exporting && flags.createImage !== "") return refuse("exportAndImage")
  if (given.has("createImage") && flags.createImage === "") return refuse("createImageEmpty")
  if (flags.withPrevious && flags.preCheckpoint) return refuse("previousWithPre")
  if (flags.preCheckpoint && flags.createImage !== "") return refuse("imageOfPreCheckpoint")
  if (flags.linkRemap && flags.leaveRunning) return refuse("linkRemapWithLeaveRunning")
  const ghostLimitBytes = flags.ghostLimit === "" ? undefined : ghostLimitOf(flags.ghostLimit)
  if (Number.isNaN(ghostLimitBytes)) return refuse("ghostLimitInvalid", flags.ghostLimit)
  const networkLock = NetworkLock.literals.find((name) => name === flags.networkLock)
  if (networkLock === undefined && flags.networkLock !== "") return refuse("networkLockUnknown", flags.networkLock)
  const target: CheckpointTarget = exporting
    ? {
        _tag: "Archive",
        destination: { _tag: "File", path: flags.export },
        compression,
        ignoreRootfs: flags.ignoreRootfs,
        ignoreVolumes: flags.ignoreVolumes,
      }
    : flags.createImage === ""
      ? { _tag: "Container" }
      : { _tag: "Image", name: flags.createImage }
  return Result.map(selectionOf(flags, names), (selection) => ({
    selection,
    options: {
      target,
      phase: flags.preCheckpoint ? "preCheckpoint" : flags.withPrevious ? "withPrevious" : "full",
      leaveRunning: flags.leaveRunning,
      keep: flags.keep,
      fileLocks: flags.fileLocks,
      tcpEstablished: flags.tcpEstablished,
      extUnixSk: flags.extUnixSk,
      shellJob: flags.shellJob,
      linkRemap: flags.linkRemap,
      skipInFlight: flags.skipInFlight,
      ...(ghostLimitBytes === undefined ? {} : { ghostLimitBytes }),
      ...(networkLock === undefined ? {} : { networkLock }),
    },
  }))
}

/** NaN for what is no size, or more than CRIU can keep. */
const ghostLimitOf = (text: string): number => {
  const bytes = parseSize(text) ?? Number.NaN
  return bytes <= ghostLimitMaximum ? bytes : Number.NaN
}

const compressions: ReadonlyArray<ArchiveCompression> = ArchiveCompression.literals
