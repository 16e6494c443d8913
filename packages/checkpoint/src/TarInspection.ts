/**
 * Look through a tar archive before it is unpacked over a directory that has content of its own.
 *
 * An inner archive of a checkpoint may come from a stranger, and the directory it goes over is a root filesystem full
 * of symbolic links. Every member is held against what the archive and the directory would make of its path; one that
 * could be written through a link is refused, and what stands in the way of a member by its type is listed.
 */
import * as fs from "node:fs"
import { basename, dirname, join } from "node:path"
import { ArchiveInvalid, MemberUnsafe } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { tarEntries, type TarEntry } from "./TarHeaders.ts"
import { Parting, type TarParts } from "./TarParts.ts"

export interface TarInspection {
  /** Absolute paths below the directory that must go before unpacking: directories in place of files and vice versa. */
  readonly conflicts: ReadonlyArray<string>
  /** Members besides the directory itself. */
  readonly members: number
  /** The directory's own entry, if it has one. */
  readonly root?: TarEntry
  /** How several programs can unpack it at once; absent where that is not worth it, or not possible. */
  readonly parts?: TarParts
}

export const inspectTar = (
  archive: string,
  directory: string,
): Effect.Effect<TarInspection, MemberUnsafe | ArchiveInvalid> =>
  Effect.try({
    try: () => inspect(archive, directory),
    catch: (cause) =>
      cause instanceof MemberUnsafe ? cause : new ArchiveInvalid({ archive, problem: (cause as Error).message }),
  })

const inspect = (archive: string, directory: string): TarInspection => {
  const seen = new Seen(directory)
  const parting = new Parting()
  let members = 0
  let root: TarEntry | undefined
  const { ffree } = fs.statfsSync(directory)
  for (const entry of tarEntries(archive)) {
    const name = confined(entry.name)
    parting.add(name, entry)
    if (name === "") {
      root = entry
      continue
    }
    members++
    // some file systems count no files, and say 0
    if (ffree > 0 && members > ffree)
      throw new MemberUnsafe({ member: name, problem: `is one of more than ${ffree}, for which there is no room` })
    seen.checkParents(name)
    if (entry.type === "link") seen.checkParents(confined(entry.linkname))
    seen.add(name, entry.type)
  }
  const conflicts = seen.conflicts().map((name) => join(directory, name))
  const parts = parting.parts()
  return {
    conflicts,
    members,
    ...(root === undefined ? {} : { root }),
    ...(parts === undefined ? {} : { parts }),
  }
}

/** Directories that are remembered, so that they need not be looked at again. */
const maxRemembered = 100_000

/** Every one of them has to be remembered; no root filesystem has as many. */
const maxLinks = 2_000_000

/** What an archive has done so far to the paths of a directory. */
class Seen {
  private readonly directory: string
  /** Members that are symbolic links. */
  private readonly links = new Set<string>()
  /** Members that take the place of something else: what the directory has there, and below it, counts no more. */
  private readonly replaced = new Set<string>()
  /** Directories that can be written into, as long as no link and no replacement comes. */
  private readonly safe = new Set<string>()
  /** What the directory has, by its directories, as far as members went there. */
  private readonly present = new Map<string, ReadonlySet<string>>()

  constructor(directory: string) {
    this.directory = directory
  }

  /** Refuses a path one of whose parents is a symbolic link, by the archive or in the directory. */
  checkParents(name: string): void {
    const parent = dirname(name)
    if (parent === "." || this.safe.has(parent)) return
    checkParents(this.directory, name, { links: this.links, replaced: this.replaced })
    if (this.safe.size === maxRemembered) this.safe.clear()
    this.safe.add(parent)
  }

  add(name: string, type: TarEntry["type"]): void {
    if (this.isThere(name)) {
      const existing = statOf(join(this.directory, name))
      if (existing !== undefined && existing.isDirectory() !== (type === "directory")) {
        this.replaced.add(name)
        this.safe.clear()
      }
    }
    if (type === "symlink") {
      if (this.links.size === maxLinks)
        throw new MemberUnsafe({ member: name, problem: `is one of more than ${maxLinks} symbolic links` })
      this.links.add(name)
      this.safe.clear()
    } else if (this.links.delete(name)) this.safe.clear()
  }

  conflicts(): ReadonlyArray<string> {
    return [...this.replaced]
  }

  private isThere(name: string): boolean {
    const parent = dirname(name)
    const known = this.present.get(parent)
    if (known !== undefined) return known.has(basename(name))
    const names = parent === "." || this.isThere(parent) ? namesIn(join(this.directory, parent)) : none
    if (this.present.size === maxRemembered) this.present.clear()
    this.present.set(parent, names)
    return names.has(basename(name))
  }
}

const none: ReadonlySet<string> = new Set()

/** None when it is no directory. */
const namesIn = (path: string): ReadonlySet<string> => {
  try {
    return new Set(fs.readdirSync(path))
  } catch {
    return none
  }
}

interface Done {
  readonly links: ReadonlySet<string>
  readonly replaced: ReadonlySet<string>
}

const nothingDone: Done = { links: new Set(), replaced: new Set() }

/** A path inside a directory that may hold symbolic links: refused when one of its parents is a link. */
export const checkParents = (directory: string, name: string, { links, replaced }: Done = nothingDone): void => {
  const parts = name.split("/").slice(0, -1)
  for (let depth = 1; depth <= parts.length; depth++) {
    const parent = parts.slice(0, depth).join("/")
    const anew = parts.slice(0, depth).some((_, at) => replaced.has(parts.slice(0, at + 1).join("/")))
    if (links.has(parent) || (!anew && statOf(join(directory, parent))?.isSymbolicLink() === true)) {
      throw new MemberUnsafe({ member: name, problem: `would be written through the symbolic link ${parent}` })
    }
  }
}

/** Undefined when there is nothing, be it for want of a parent directory. */
const statOf = (path: string): fs.Stats | undefined => {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOTDIR") return undefined
    throw cause
  }
}

/** What is no name between two slashes: nothing, `.` and `..`. */
const nameless = /(?:^|\/)\.{0,2}(?:\/|$)/

/** `./a//b/` → `a/b`. */
export const confined = (raw: string): string => {
  const most = raw.startsWith("./") ? raw.slice(2) : raw
  if (!nameless.test(most)) return most
  const parts = raw.split("/").filter((part) => part !== "" && part !== ".")
  if (parts.includes("..")) throw new MemberUnsafe({ member: raw, problem: "leaves the directory" })
  return parts.join("/")
}
