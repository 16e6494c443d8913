/**
 * What a container changed in its root filesystem, taken from the upper directory of its overlay.
 *
 * The kernel marks a removed path with a character device 0:0 and a directory that hides the one below it with the
 * attribute `trusted.overlay.opaque` (Linux `Documentation/filesystems/overlayfs.rst`). A checkpoint says the same
 * with a tar of everything added or changed and a list of everything deleted; a path that changed its type is in the
 * tar alone, since readers unpack first and delete afterwards.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import type { PathChange, StorageFailed, ToolFailed, ToolMissing } from "@cryopod/entities"
import { attemptSync, runOk, Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"

export interface RootfsDiff {
  /** Every difference, by path. */
  readonly changes: ReadonlyArray<PathChange>
  /** Paths for the tar, relative to the upper directory, parents first. */
  readonly archived: ReadonlyArray<string>
  /** Absolute paths inside the container that are gone. */
  readonly deleted: ReadonlyArray<string>
}

/**
 * Paths that the engine or the runtime makes in every root filesystem, and that are no change of the container's
 * (Podman `libpod/container_internal_common.go`, initInodes).
 */
const engineMade = new Set([
  "/dev",
  "/etc/hostname",
  "/etc/hosts",
  "/etc/resolv.conf",
  "/proc",
  "/run",
  "/run/notify",
  "/run/.containerenv",
  "/run/secrets",
  "/sys",
  "/etc/mtab",
])

export const scanRootfs = Effect.fn("RootfsDiff.scan")(function* (
  upper: string,
  lower: string,
): Effect.fn.Return<RootfsDiff, StorageFailed | ToolMissing | ToolFailed, Tools> {
  const opaque = yield* opaqueDirectories(upper)
  return yield* attemptSync("read", upper, () => scan(upper, lower, opaque))
})

/** Directories of the upper layer, relative, that hide what lies below them. Node cannot read attributes; getfattr can. */
const opaqueDirectories = Effect.fnUntraced(function* (upper: string) {
  const tools = yield* Tools
  const text = yield* runOk(
    yield* tools.path("getfattr"),
    [
      "--recursive",
      "--physical",
      "--no-dereference",
      "--absolute-names",
      "-m",
      String.raw`^trusted\.overlay\.opaque$`,
      upper,
    ],
    { env: tools.environment },
  )
  return new Set(
    text
      .split("\n")
      .filter((line) => line.startsWith("# file: "))
      .map((line) => unquoted(line.slice("# file: ".length)).slice(upper.length + 1)),
  )
})

/** getfattr writes unusual bytes of names as octal escapes. */
const unquoted = (name: string) =>
  Buffer.from(
    name.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    name.includes("\\") ? "latin1" : "utf8",
  ).toString("utf8")

const scan = (upper: string, lower: string, opaque: ReadonlySet<string>): RootfsDiff => {
  const changes: Array<PathChange> = []
  const archived: Array<string> = []
  const deleted: Array<string> = []
  const gone = (path: string) => {
    if (engineMade.has(path)) return
    changes.push({ kind: "deleted", path })
    deleted.push(path)
  }

  const visit = (relative: string, hidden: boolean) => {
    const names = fs.readdirSync(join(upper, relative)).toSorted()
    const below = directoryNames(join(lower, relative))
    if (hidden) for (const name of below) if (!names.includes(name)) gone(`/${join(relative, name)}`)
    for (const name of names) {
      const path = join(relative, name)
      const stat = fs.lstatSync(join(upper, path))
      const inImage = below.includes(name)
      if (isWhiteout(stat)) {
        if (inImage) gone(`/${path}`)
        continue
      }
      const made = engineMade.has(`/${path}`)
      // a socket file is made again by CRIU together with the socket; tar cannot hold one
      if (!made && !stat.isSocket()) {
        changes.push({ kind: inImage ? "modified" : "added", path: `/${path}` })
        archived.push(path)
      }
      if (stat.isDirectory()) visit(path, inImage && (hidden || opaque.has(path)))
    }
  }
  visit("", opaque.has(""))
  return { changes, archived, deleted }
}

const isWhiteout = (stat: fs.Stats) => stat.isCharacterDevice() && stat.rdev === 0

/** Names in a directory of the image; none when it is not there, or no directory. */
const directoryNames = (path: string): ReadonlyArray<string> =>
  fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? fs.readdirSync(path) : []
