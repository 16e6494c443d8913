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
import type { PackedPaths } from "./DirectoryTar.ts"

/** What a checkpoint says of a root filesystem. */
export interface RootfsDiff {
  readonly archived: PackedPaths
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

type ScanFailure = StorageFailed | ToolMissing | ToolFailed

/** Every difference, by path. */
export const rootfsChanges = Effect.fn("RootfsDiff.changes")(function* (
  layers: RootfsLayers,
): Effect.fn.Return<ReadonlyArray<PathChange>, ScanFailure, Tools> {
  const changes: Array<PathChange> = []
  yield* walk(layers, {
    changed: ({ inImage, path }) => {
      changes.push({ kind: inImage ? "modified" : "added", path: `/${path}` })
      return "look into it"
    },
    deleted: (path) => void changes.push({ kind: "deleted", path: `/${path}` }),
  })
  return changes
})

/** So much of a program's arguments may be names of directories; the kernel takes 128 KiB of them at least. */
const mostTreeBytes = 64 << 10

/** Whoever reads a directory that the image does not have finds what is in it by himself: only its own name is taken. */
export const rootfsDiff = Effect.fn("RootfsDiff.diff")(function* (
  layers: RootfsLayers,
): Effect.fn.Return<RootfsDiff, ScanFailure, Tools> {
  const entries: Array<string> = []
  const trees: Array<string> = []
  const deleted: Array<string> = []
  let treeBytes = 0
  yield* walk(layers, {
    changed: ({ inImage, isDirectory, path }) => {
      const bytes = Buffer.byteLength(path) + 1
      const isTree = isDirectory && !inImage && !holdsEngineMade(path) && treeBytes + bytes <= mostTreeBytes
      if (isTree) treeBytes += bytes
      const to = isTree ? trees : entries
      to.push(path)
      return isTree ? "pass over it" : "look into it"
    },
    deleted: (path) => void deleted.push(`/${path}`),
  })
  return { archived: { entries, trees }, deleted }
})

const holdsEngineMade = (path: string) => [...engineMade].some((made) => made.startsWith(`/${path}/`))

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

interface Visitor {
  /** Paths are relative to the root, and those above come first. */
  readonly changed: (change: {
    readonly path: string
    readonly inImage: boolean
    readonly isDirectory: boolean
  }) => "look into it" | "pass over it"
  readonly deleted: (path: string) => void
}

const walk = Effect.fnUntraced(function* (layers: RootfsLayers, visitor: Visitor) {
  const absent = isMounted(layers.merged) ? absentFrom(layers.merged) : absentBy(yield* opaqueDirectories(layers.upper))
  yield* attemptSync("read", layers.upper, () => walkWith(layers, absent, visitor))
})

const walkWith = ({ lower, upper }: RootfsLayers, absent: Absent, visitor: Visitor): void => {
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
      const isEngineMade = engineMade.has(`/${path}`)
      if (!(entry instanceof fs.Dirent)) {
        if (!isEngineMade) visitor.deleted(path)
        continue
      }
      const inImage = imageNames.has(entry.name)
      const isDirectory = entry.isDirectory()
      // a socket file is made again by CRIU together with the socket; tar cannot hold one
      const isChange = !isEngineMade && !entry.isSocket()
      const further = isChange ? visitor.changed({ path, inImage, isDirectory }) : "look into it"
      if (further === "look into it" && isDirectory && !mountedOver.has(`/${path}`))
        visit(path, inImage ? { hidden: hides } : undefined)
    }
  }
  visit("", { hidden: false })
}

const nothing: ReadonlySet<string> = new Set()

const byName = (a: { readonly name: string }, b: { readonly name: string }) =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0

const isWhiteout = (entry: fs.Dirent, path: string) => entry.isCharacterDevice() && fs.lstatSync(path).rdev === 0

/** Names in a directory of the image; none when it is not there, or no directory. */
const directoryNames = (path: string): ReadonlySet<string> =>
  fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? new Set(fs.readdirSync(path)) : nothing
