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
import { attemptSync, isMounted, runOk, Tools } from "@cryopod/host"
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

/**
 * Directories that every container has something mounted on. What lies below them is seen by nobody: mount points that
 * the runtime makes, where nothing is mounted yet when it restores.
 */
const mountedOver = new Set(["/dev", "/proc", "/sys"])

export interface RootfsLayers {
  /** Upper directory of the overlay. */
  readonly upper: string
  /** The image's root filesystem. */
  readonly lower: string
  /** Where both are mounted together, if they are. */
  readonly merged: string
}

export const scanRootfs = Effect.fn("RootfsDiff.scan")(function* (
  layers: RootfsLayers,
): Effect.fn.Return<RootfsDiff, StorageFailed | ToolMissing | ToolFailed, Tools> {
  const absent = isMounted(layers.merged) ? absentFrom(layers.merged) : absentBy(yield* opaqueDirectories(layers.upper))
  return yield* attemptSync("read", layers.upper, () => scan(layers, absent))
})

/** A directory that the image and the upper directory both have. */
interface SharedDirectory {
  /** Relative to the root. */
  readonly path: string
  readonly imageNames: ReadonlySet<string>
  /** Entries of the upper directory, whiteouts included. */
  readonly upperNames: ReadonlySet<string>
  readonly whiteouts: ReadonlySet<string>
  /** Something above hides what the image has here. */
  readonly hidden: boolean
}

/** Which of the image's names in a directory are gone, and whether what is left of it is hidden as a whole. */
type Absent = (directory: SharedDirectory) => { readonly gone: ReadonlyArray<string>; readonly hides: boolean }

/** What the kernel does not show is gone: it knows about whiteouts and opaque directories by itself. */
const absentFrom =
  (merged: string): Absent =>
  ({ imageNames, path }) => {
    const shown = new Set(fs.readdirSync(join(merged, path)))
    return { gone: [...imageNames].filter((name) => !shown.has(name)), hides: false }
  }

/** Without the mount: what a whiteout stands for, and what an opaque directory does not have itself. */
const absentBy =
  (opaque: ReadonlySet<string>): Absent =>
  ({ hidden, imageNames, path, upperNames, whiteouts }) => {
    const hides = hidden || opaque.has(path)
    const gone = [...imageNames].filter((name) => whiteouts.has(name) || (hides && !upperNames.has(name)))
    return { gone, hides }
  }

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

const scan = ({ lower, upper }: RootfsLayers, absent: Absent): RootfsDiff => {
  const changes: Array<PathChange> = []
  const archived: Array<string> = []
  const deleted: Array<string> = []

  const visit = (relative: string, shared: { readonly hidden: boolean } | undefined) => {
    const entries = fs.readdirSync(join(upper, relative), { withFileTypes: true })
    const imageNames = shared === undefined ? nothing : directoryNames(join(lower, relative))
    const whiteouts = new Set(
      entries.flatMap((entry) => (isWhiteout(entry, join(upper, relative, entry.name)) ? [entry.name] : [])),
    )
    const { gone, hides } =
      shared === undefined || imageNames.size === 0
        ? { gone: [], hides: shared?.hidden === true }
        : absent({
            path: relative,
            imageNames,
            upperNames: new Set(entries.map(({ name }) => name)),
            whiteouts,
            hidden: shared.hidden,
          })
    const present = entries.filter(({ name }) => !whiteouts.has(name))
    for (const entry of [...present, ...gone.map((name) => ({ name }))].toSorted(byName)) {
      const path = join(relative, entry.name)
      if (!(entry instanceof fs.Dirent)) {
        if (engineMade.has(`/${path}`)) continue
        changes.push({ kind: "deleted", path: `/${path}` })
        deleted.push(`/${path}`)
        continue
      }
      const inImage = imageNames.has(entry.name)
      // a socket file is made again by CRIU together with the socket; tar cannot hold one
      if (!engineMade.has(`/${path}`) && !entry.isSocket()) {
        changes.push({ kind: inImage ? "modified" : "added", path: `/${path}` })
        archived.push(path)
      }
      if (entry.isDirectory() && !mountedOver.has(`/${path}`)) visit(path, inImage ? { hidden: hides } : undefined)
    }
  }
  visit("", { hidden: false })
  return { changes, archived, deleted }
}

const nothing: ReadonlySet<string> = new Set()

const byName = (a: { readonly name: string }, b: { readonly name: string }) =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0

const isWhiteout = (entry: fs.Dirent, path: string) => entry.isCharacterDevice() && fs.lstatSync(path).rdev === 0

/** Names in a directory of the image; none when it is not there, or no directory. */
const directoryNames = (path: string): ReadonlySet<string> =>
  fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? new Set(fs.readdirSync(path)) : nothing
