/**
 * Look through a tar archive before it is unpacked over a directory that has content of its own.
 *
 * An inner archive of a checkpoint may come from a stranger, and the directory it goes over is a root filesystem full
 * of symbolic links. Every member is held against what the archive and the directory would make of its path; one that
 * could be written through a link is refused, and what stands in the way of a member by its type is listed.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { ArchiveInvalid, MemberUnsafe } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as tar from "tar-stream"

export interface TarInspection {
  /** Absolute paths below the directory that must go before unpacking: directories in place of files and vice versa. */
  readonly conflicts: ReadonlyArray<string>
}

export const inspectTar = (
  archive: string,
  directory: string,
): Effect.Effect<TarInspection, MemberUnsafe | ArchiveInvalid> =>
  Effect.tryPromise({
    try: () => inspect(archive, directory),
    catch: (cause) =>
      cause instanceof MemberUnsafe ? cause : new ArchiveInvalid({ archive, problem: (cause as Error).message }),
  })

const inspect = async (archive: string, directory: string): Promise<TarInspection> => {
  const links = new Set<string>()
  const replaced = new Set<string>()
  const extract = tar.extract()
  const source = fs.createReadStream(archive, { highWaterMark: 1 << 20 })
  source.on("error", (cause) => extract.destroy(cause))
  source.pipe(extract as unknown as NodeJS.WritableStream)
  for await (const entry of extract) {
    const { linkname, name: raw, type } = entry.header
    const name = confined(raw)
    if (name !== "") {
      checkParents(directory, name, { links, replaced })
      if (type === "link") checkParents(directory, confined(linkname), { links, replaced })
      const existing = statOf(join(directory, name))
      if (existing !== undefined && existing.isDirectory() !== (type === "directory")) replaced.add(name)
      if (type === "symlink") links.add(name)
      else links.delete(name)
    }
    for await (const _ of entry) continue
  }
  return { conflicts: [...replaced].map((name) => join(directory, name)) }
}

/** What an archive has done so far to the paths of a directory. */
interface Seen {
  /** Members that are symbolic links. */
  readonly links: ReadonlySet<string>
  /** Members that take the place of something else: what the directory has there, and below it, counts no more. */
  readonly replaced: ReadonlySet<string>
}

const nothingSeen: Seen = { links: new Set(), replaced: new Set() }

/** A path inside a directory that may hold symbolic links: refused when one of its parents is a link. */
export const checkParents = (directory: string, name: string, { links, replaced }: Seen = nothingSeen): void => {
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
    return fs.lstatSync(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ENOTDIR") return undefined
    throw cause
  }
}

/** `./a//b/` → `a/b`. */
export const confined = (raw: string): string => {
  const parts = raw.split("/").filter((part) => part !== "" && part !== ".")
  if (parts.includes("..")) throw new MemberUnsafe({ member: raw, problem: "leaves the directory" })
  return parts.join("/")
}
