/**
 * Directories of a container as plain tar files inside a checkpoint, by GNU tar: it keeps owners, modes, times,
 * extended attributes, hard links, sparse files, FIFOs and devices, and reads holes without reading zeros.
 *
 * The format is pax, which the other engines' readers understand with all of that.
 */
import * as fs from "node:fs"
import { emptyDirectoryArchive } from "@cryopod/archive"
import { type StorageFailed, ToolFailed, type ToolMissing } from "@cryopod/entities"
import { attempt, lastLines, run, runOk, Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"

const common = ["--numeric-owner", "--xattrs", "--xattrs-include=*"]

export interface PackDirectory {
  readonly directory: string
  readonly archive: string
  /** Paths to pack, relative, parents first; everything in the directory when absent. */
  readonly paths?: ReadonlyArray<string>
  /** Others may write there meanwhile; what changes while it is read is no failure then. */
  readonly others?: "may write"
}

export const packDirectory = Effect.fnUntraced(function* (
  request: PackDirectory,
): Effect.fn.Return<void, StorageFailed | ToolMissing | ToolFailed, Tools> {
  const tools = yield* Tools
  if (request.paths === undefined && (yield* packedEmpty(request))) return
  const which =
    request.paths === undefined ? ["."] : ["--no-recursion", "--null", "--verbatim-files-from", "--files-from=-"]
  const args = [
    "--create",
    `--file=${request.archive}`,
    "--format=pax",
    "--pax-option=delete=atime,delete=ctime",
    "--sparse",
    ...common,
    // the overlay's own marks mean nothing outside of it
    "--xattrs-exclude=trusted.overlay.*",
    `--directory=${request.directory}`,
    ...which,
  ]
  const { exitCode, stderr } = yield* run(yield* tools.path("tar"), args, {
    env: tools.environment,
    ...(request.paths === undefined ? {} : { input: request.paths.map((path) => `${path}\0`).join("") }),
  })
  if (exitCode === 0 || (exitCode === changedMeanwhile && request.others !== undefined)) return
  return yield* new ToolFailed({ tool: "tar", arguments: args, exitCode, detail: lastLines(stderr, 3) })
})

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
}

/** Unpack over an existing directory. The archive has been looked through (`inspectTar`) before. */
export const unpackDirectory = Effect.fnUntraced(function* ({
  archive,
  directory,
  existing,
}: UnpackDirectory): Effect.fn.Return<void, ToolMissing | ToolFailed, Tools> {
  const tools = yield* Tools
  yield* runOk(
    yield* tools.path("tar"),
    [
      "--extract",
      `--file=${archive}`,
      "--same-owner",
      "--same-permissions",
      "--delay-directory-restore",
      ...(existing === "keep" ? ["--skip-old-files"] : []),
      ...common,
      `--directory=${directory}`,
    ],
    { env: tools.environment },
  )
})
