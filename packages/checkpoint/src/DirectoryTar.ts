/**
 * Directories of a container as plain tar files inside a checkpoint, by GNU tar: it keeps owners, modes, times,
 * extended attributes, hard links, sparse files, FIFOs and devices, and reads holes without reading zeros.
 *
 * The format is pax, which the other engines' readers understand with all of that.
 */
import * as fs from "node:fs"
import { emptyDirectoryArchive } from "@cryopod/archive"
import { type StorageFailed, ToolFailed, type ToolMissing } from "@cryopod/entities"
import { attempt, lastLines, outputOf, run, runOk, Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type { TarParts, TarSpan } from "./TarParts.ts"

const common = ["--numeric-owner", "--xattrs", "--xattrs-include=*"]

/** So much is read and written at a time, in blocks of 512 bytes: GNU tar's own 20 take more than twice the time. */
const blocking = "--blocking-factor=256"

/** Relative paths, those above first. */
export interface PackedPaths {
  /** Without what is in them. */
  readonly entries: ReadonlyArray<string>
  /** Directories with all that is in them, sockets excepted; so few that a command line has room for them. */
  readonly trees: ReadonlyArray<string>
}

export interface PackDirectory {
  readonly directory: string
  readonly archive: string
  /** What to pack; everything in the directory when absent. */
  readonly paths?: PackedPaths
  /** Others may write there meanwhile; what changes while it is read is no failure then. */
  readonly others?: "may write"
}

export const packDirectory = Effect.fnUntraced(function* (
  request: PackDirectory,
): Effect.fn.Return<void, StorageFailed | ToolMissing | ToolFailed, Tools> {
  const tools = yield* Tools
  if (request.paths === undefined && (yield* packedEmpty(request))) return
  const args = packArguments(request, request.archive)
  const { exitCode, stderr } = yield* run(yield* tools.path("tar"), args, {
    env: tools.environment,
    ...pathsFor(request),
  })
  if (exitCode === 0 || (exitCode === changedMeanwhile && request.others !== undefined)) return
  return yield* new ToolFailed({ tool: "tar", arguments: args, exitCode, detail: lastLines(stderr, 3) })
})

/** What to pack, without an archive to put it into. */
export type StreamDirectory = Pick<PackDirectory, "directory" | "paths">

export interface DirectoryStream {
  /** Length of the archive. */
  readonly sizeBytes: number
  /** The archive, made while it is read. Ends with a `ToolFailed` when something has changed there meanwhile. */
  readonly open: () => AsyncIterable<Uint8Array>
}

/** A directory in which nobody writes until its archive has been read; nothing of it is written anywhere else. */
export const streamDirectory = Effect.fnUntraced(function* (
  request: StreamDirectory,
): Effect.fn.Return<DirectoryStream, ToolMissing | ToolFailed, Tools> {
  const tools = yield* Tools
  const tar = yield* tools.path("tar")
  const options = { env: tools.environment, ...pathsFor(request) }
  // without an archive, no content is read: what it would be is known by the time that the names take
  const measuring = ["--totals", ...packArguments(request, "/dev/null")]
  const { exitCode, stderr } = yield* run(tar, measuring, options)
  const total = /^Total bytes written: (\d+)/m.exec(stderr)?.[1]
  if (exitCode !== 0 || total === undefined) {
    return yield* new ToolFailed({ tool: "tar", arguments: measuring, exitCode, detail: lastLines(stderr, 3) })
  }
  return { sizeBytes: Number(total), open: () => outputOf(tar, packArguments(request, "-"), options) }
})

const packArguments = ({ directory, paths }: StreamDirectory, archive: string): ReadonlyArray<string> => [
  "--create",
  `--file=${archive}`,
  "--format=pax",
  blocking,
  "--pax-option=delete=atime,delete=ctime",
  "--sparse",
  ...common,
  // the overlay's own marks mean nothing outside of it
  "--xattrs-exclude=trusted.overlay.*",
  `--directory=${directory}`,
  ...(paths === undefined ? ["."] : ["--no-recursion", "--null", "--verbatim-files-from", "--files-from=-"]),
  // an option that nothing comes behind is an error
  ...(paths === undefined || paths.trees.length === 0 ? [] : ["--recursion", "--", ...paths.trees]),
]

const pathsFor = ({ paths }: StreamDirectory) =>
  paths === undefined ? {} : { input: paths.entries.map((path) => `${path}\0`).join("") }

/** The archive is whole, but a file has changed or gone while it was read (GNU tar manual, "Return Values"). */
const changedMeanwhile = 1

/** True when the directory was empty and its archive is written: no program has to run for a single header. */
const packedEmpty = ({ archive, directory }: PackDirectory) =>
  attempt("pack", directory, async () => {
    if (fs.readdirSync(directory).length > 0) return false
    const { gid, mode, mtime, uid } = fs.statSync(directory)
    fs.writeFileSync(archive, await emptyDirectoryArchive({ mode: mode & 0o7777, uid, gid, mtime }), { mode: 0o600 })
    return true
  })

export interface UnpackDirectory {
  readonly archive: string
  readonly directory: string
  /** What becomes of what is there already. */
  readonly existing: "replace" | "keep"
  /** Of this archive, for several programs at once; without them, one takes it as a whole. */
  readonly parts?: TarParts
}

/** Unpack over an existing directory. The archive has been looked through (`inspectTar`) before. */
export const unpackDirectory = Effect.fnUntraced(function* ({
  parts,
  ...request
}: UnpackDirectory): Effect.fn.Return<void, ToolMissing | ToolFailed, Tools> {
  if (parts === undefined || request.existing === "keep") return yield* unpack(request)
  yield* unpack({ ...request, spans: parts.directories })
  yield* Effect.forEach(parts.parts, (part) => unpack({ ...request, spans: [part] }), { concurrency: "unbounded" })
  yield* unpack({ ...request, spans: parts.directories })
})

interface Unpacking extends Omit<UnpackDirectory, "parts"> {
  /** All of the archive, if absent. */
  readonly spans?: ReadonlyArray<TarSpan>
}

const unpack = Effect.fnUntraced(function* ({ archive, directory, existing, spans }: Unpacking) {
  const tools = yield* Tools
  yield* runOk(
    yield* tools.path("tar"),
    [
      "--extract",
      `--file=${spans === undefined ? archive : "-"}`,
      blocking,
      "--same-owner",
      "--same-permissions",
      "--delay-directory-restore",
      ...(existing === "keep" ? ["--skip-old-files"] : []),
      ...common,
      `--directory=${directory}`,
    ],
    { env: tools.environment, ...(spans === undefined ? {} : { input: bytesOf(archive, spans) }) },
  )
})

/** A stream that is given as much wants no more until it has passed it on: the buffer can be filled again. */
const readBytes = 1 << 20

/** Spans as long as a header come by the thousand: as many as there is room for are one piece. */
async function* bytesOf(archive: string, spans: ReadonlyArray<TarSpan>): AsyncGenerator<Uint8Array, void, void> {
  const file = fs.openSync(archive, "r")
  const buffer = Buffer.allocUnsafe(readBytes)
  let filled = 0
  try {
    for (const { end, start } of spans) {
      for (let at = start; at < end;) {
        const bytesRead = fs.readSync(file, buffer, filled, Math.min(readBytes - filled, end - at), at)
        if (bytesRead === 0) throw new Error(`${archive} has become shorter`)
        at += bytesRead
        filled += bytesRead
        if (filled === readBytes) {
          yield buffer
          filled = 0
        }
      }
    }
    if (filled > 0) yield buffer.subarray(0, filled)
  } finally {
    fs.closeSync(file)
  }
}
