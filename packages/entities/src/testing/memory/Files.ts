/** Root filesystems in memory: what lies at an absolute path; the root directory is always there. */
import * as Tar from "effect/encoding/Tar"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ArchiveInvalid } from "../../failures/ImageFailures.ts"
import type { PathChange } from "../../reports/ContainerReports.ts"

export type FileNode =
  | { readonly kind: "directory" }
  | { readonly kind: "file"; readonly content: Uint8Array }
  | { readonly kind: "link"; readonly target: string }

export type Files = Map<string, FileNode>
export type ReadonlyFiles = ReadonlyMap<string, FileNode>

export const textFile = (text: string): FileNode => ({ kind: "file", content: new TextEncoder().encode(text) })

export const textOf = (node: FileNode | undefined): string | undefined =>
  node?.kind === "file" ? new TextDecoder().decode(node.content) : undefined

export const isDirectory = (files: ReadonlyFiles, path: string): boolean =>
  path === "/" || files.get(path)?.kind === "directory"

export const parentOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf("/"), 1))

/** `path` as seen from `directory`, without `.` and `..`. */
export const resolvePath = (directory: string, path: string): string => {
  const parts: Array<string> = []
  for (const part of `${path.startsWith("/") ? "" : directory}/${path}`.split("/")) {
    if (part === "..") parts.pop()
    else if (part !== "" && part !== ".") parts.push(part)
  }
  return `/${parts.join("/")}`
}

/** What was changed, parents before children; a directory counts as modified when something below it is. */
export const changesOf = (base: ReadonlyFiles, files: ReadonlyFiles): ReadonlyArray<PathChange> => {
  const kinds = new Map<string, PathChange["kind"]>()
  const touch = (path: string, kind: PathChange["kind"]) => {
    kinds.set(path, kind)
    for (let parent = parentOf(path); parent !== "/"; parent = parentOf(parent)) {
      if (!kinds.has(parent)) kinds.set(parent, base.has(parent) ? "modified" : "added")
    }
  }
  for (const [path, node] of files) {
    const before = base.get(path)
    if (before === undefined) touch(path, "added")
    else if (!isSame(before, node)) touch(path, "modified")
  }
  for (const path of base.keys()) if (!files.has(path) && files.has(parentOf(path))) touch(path, "deleted")
  return [...kinds].map(([path, kind]) => ({ kind, path })).toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

const isSame = (left: FileNode, right: FileNode): boolean => {
  if (left.kind === "file" && right.kind === "file") return equalBytes(left.content, right.content)
  if (left.kind === "link" && right.kind === "link") return left.target === right.target
  return left.kind === right.kind
}

const equalBytes = (left: Uint8Array, right: Uint8Array) =>
  left === right || (left.length === right.length && left.every((byte, at) => byte === right[at]))

/** The files of a tar archive; links keep their targets, devices are left out. */
export const readTar = <E>(
  bytes: Stream.Stream<Uint8Array, E>,
  archive: string,
): Effect.Effect<Files, ArchiveInvalid | E> =>
  bytes.pipe(
    Stream.pipeThroughChannel(Tar.decode<E>()),
    Stream.mapEffect((entry) =>
      Effect.map(entry.header.type === "File" ? collectBytes(entry.body) : Effect.succeed(undefined), (content) => ({
        entry,
        content,
      })),
    ),
    Stream.runFold(
      (): Files => new Map(),
      (files, { content, entry }) => {
        const path = resolvePath("/", entry.header.path)
        if (path === "/") return files
        if (content !== undefined) files.set(path, { kind: "file", content })
        else if (entry.header.type === "Directory") files.set(path, { kind: "directory" })
        else if (entry.header.type === "Symlink")
          files.set(path, { kind: "link", target: entry.header.linkTarget ?? "" })
        else if (entry.header.type === "Hardlink") {
          const linked = files.get(resolvePath("/", entry.header.linkTarget ?? ""))
          if (linked !== undefined) files.set(path, linked)
        }
        return files
      },
    ),
    Effect.mapError((failure) => (Tar.isTarError(failure) ? tarInvalid(archive, failure) : failure)),
  )

export const tarInvalid = (archive: string, failure: Tar.TarError) =>
  new ArchiveInvalid({
    archive,
    problem: failure.kind === "Truncated" ? "ends in the middle of a member" : failure.message,
  })

export const collectBytes = <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Effect.Effect<Uint8Array, E, R> =>
  Effect.map(Stream.runCollect(bytes), (chunks) => new Uint8Array(Buffer.concat(chunks)))
