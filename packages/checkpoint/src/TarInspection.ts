/**
 * Look through a tar archive before it is unpacked over a directory that has content of its own.
 *
 * An inner archive of a checkpoint may come from a stranger, and the directory it goes over is a root filesystem full
 * of symbolic links. Every member is held against what the archive and the directory would make of its path; one that
 * could be written through a link is refused, and what stands in the way of a member by its type is listed.
 */
import * as fs from "node:fs"
import { dirname, join } from "node:path"
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
  const conflicts = new Set<string>()
  const extract = tar.extract()
  const source = fs.createReadStream(archive, { highWaterMark: 1 << 20 })
  source.on("error", (cause) => extract.destroy(cause))
  source.pipe(extract)
  for await (const entry of extract) {
    const { linkname, name: raw, type } = entry.header
    const name = confined(raw)
    if (name !== "") {
      checkParents(directory, name, links)
      if (type === "link") checkParents(directory, confined(linkname), links)
      const existing = fs.lstatSync(join(directory, name), { throwIfNoEntry: false })
      if (existing !== undefined && existing.isDirectory() !== (type === "directory"))
        conflicts.add(join(directory, name))
      if (type === "symlink") links.add(name)
      else links.delete(name)
    }
    for await (const _ of entry) continue
  }
  return { conflicts: [...conflicts] }
}

/** A path inside a directory that may hold symbolic links: refused when one of its parents is a link. */
export const checkParents = (directory: string, name: string, links: ReadonlySet<string> = new Set()): void => {
  for (let parent = dirname(name); parent !== "."; parent = dirname(parent)) {
    const link =
      links.has(parent) || fs.lstatSync(join(directory, parent), { throwIfNoEntry: false })?.isSymbolicLink() === true
    if (link) throw new MemberUnsafe({ member: name, problem: `would be written through the symbolic link ${parent}` })
  }
}

/** `./a//b/` → `a/b`. */
export const confined = (raw: string): string => {
  const parts = raw.split("/").filter((part) => part !== "" && part !== ".")
  if (parts.includes("..")) throw new MemberUnsafe({ member: raw, problem: "leaves the directory" })
  return parts.join("/")
}
