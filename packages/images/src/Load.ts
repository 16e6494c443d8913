/**
 * Images from archives and directories: OCI's own formats are read here, Docker's through skopeo.
 *
 * What a file is, is told by what is in it: `manifest.json` makes a docker-archive, `index.json` an oci-archive; with
 * both it is Docker's, which knows full names (Docker 25 and later write both).
 */
import * as fs from "node:fs"
import { join, resolve } from "node:path"
import { pipeline } from "node:stream/promises"
import { compressionOf, decompressed, peek, unpack } from "@cryopod/archive"
import {
  ArchiveInvalid,
  type ArchiveSource,
  type MemberUnsafe,
  newName,
  remoteName,
  TransportFailed,
} from "@cryopod/entities"
import { attempt, attemptSync, descriptorOf, fileBlocks, makeDirectory, openSource } from "@cryopod/host"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { copyIn } from "./CopyIn.ts"
import { refNameAnnotation } from "./Documents.ts"
import { ImageStore } from "./ImageStore.ts"
import type { StoredImage } from "./ImageTables.ts"
import { type ForeignLayout, type IntakeFailure, layoutImages, nameInLayout, takeImageIn } from "./LayoutIntake.ts"
import type { CopyFailure, Transport } from "./Transport.ts"

export interface LoadedImage {
  readonly image: StoredImage
  /** Names that the archive gave; none when it gave none. */
  readonly names: ReadonlyArray<string>
}

export type LoadFailure = ArchiveInvalid | MemberUnsafe | IntakeFailure | CopyFailure

/** Take the images of an archive in; each is taken in whole or not at all. */
export const loadImages = Effect.fn("loadImages")(function* (
  source: ArchiveSource,
): Effect.fn.Return<ReadonlyArray<LoadedImage>, LoadFailure, ImageStore | Transport> {
  if (source._tag === "File" && !isReadOnce(source.path))
    return yield* loadFrom({ path: source.path, ref: source.path }, "all")
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const path = join(yield* (yield* ImageStore).area, "archive")
      const bytes = yield* openSource(source)
      yield* attempt("write", path, (signal) =>
        pipeline(bytes, fs.createWriteStream(path, { mode: 0o600 }), { signal }),
      )
      return yield* loadFrom({ path, ref: source._tag === "File" ? source.path : "standard input" }, "all")
    }),
  )
})

/** A pipe gives its bytes once; a descriptor of this process means something else to those who read for it. */
const isReadOnce = (path: string): boolean => {
  const stat = fs.statSync(path, { throwIfNoEntry: false })
  return descriptorOf(path) !== undefined || (stat !== undefined && !stat.isFile() && !stat.isDirectory())
}

/** What is wanted of an archive. */
interface Wanted {
  readonly path: string
  /** Name of the archive in failures. */
  readonly ref: string
  /** Only the image of this name, or at this place (`@0`). */
  readonly select?: string
}

/** The one image of an archive, or the one that is selected; with several nothing is taken in. */
export const loadOne = Effect.fnUntraced(function* (
  archive: Wanted,
): Effect.fn.Return<StoredImage, LoadFailure, ImageStore | Transport> {
  const images = yield* loadFrom(archive, "one")
  return (
    images[0]?.image ??
    (yield* new TransportFailed({ operation: "pull", ref: archive.ref, detail: "there is no such image in it" }))
  )
})

const loadFrom = Effect.fnUntraced(function* (
  archive: Wanted,
  count: "all" | "one",
): Effect.fn.Return<ReadonlyArray<LoadedImage>, LoadFailure, ImageStore | Transport> {
  const path = resolve(archive.path)
  const isDirectory = yield* attemptSync("open", path, () => fs.statSync(path).isDirectory())
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const found = yield* isDirectory ? inDirectory({ ...archive, path }) : inFile({ ...archive, path })
      if (count === "one" && found.length > 1) {
        return yield* new TransportFailed({
          operation: "pull",
          ref: archive.ref,
          detail: "it holds several images, name one of them",
        })
      }
      return yield* Effect.forEach(found, ({ names, take }) => Effect.map(take, (image) => ({ image, names })))
    }),
  )
})

/** An image that was found and can be taken in. */
interface Candidate {
  readonly names: ReadonlyArray<string>
  readonly take: Effect.Effect<StoredImage, LoadFailure, ImageStore | Transport | Scope.Scope>
}

type Candidates = Effect.fn.Return<ReadonlyArray<Candidate>, LoadFailure, ImageStore | Scope.Scope>

const inDirectory = Effect.fnUntraced(function* ({ path, ref, select }: Wanted): Candidates {
  if (fs.existsSync(join(path, "index.json"))) return yield* inLayout({ directory: path, ref, files: "copied" }, select)
  if (!fs.existsSync(join(path, "manifest.json"))) return yield* unknownFormat(ref)
  return [{ names: [], take: copyIn({ _tag: "Path", transport: "dir", path }, { operation: "load", ref, names: [] }) }]
})

const inFile = Effect.fnUntraced(function* (archive: Wanted): Candidates {
  const { path, ref, select } = archive
  const directory = join(yield* (yield* ImageStore).area, "unpacked")
  yield* makeDirectory(directory)
  yield* unpack(decompressed(fileBlocks(path)), directory, {
    archive: ref,
    accepts: (name) => layoutMember.test(name),
    maxMembers: 1_000_000,
    maxBytes: Number.MAX_SAFE_INTEGER,
  })
  if (fs.existsSync(join(directory, "manifest.json"))) return yield* inDockerArchive(archive, directory)
  if (!fs.existsSync(join(directory, "index.json"))) return yield* unknownFormat(ref)
  return yield* inLayout({ directory, ref, files: "taken" }, select)
})

const layoutMember = /^(oci-layout|index\.json|manifest\.json|blobs(\/sha256(\/[0-9a-f]{64})?)?)$/

const unknownFormat = (archive: string) =>
  new ArchiveInvalid({
    archive,
    problem: "payload does not match any of the supported image formats (docker-archive, oci-archive, oci-dir)",
  })

const inLayout = Effect.fnUntraced(function* (layout: ForeignLayout, select: string | undefined): Candidates {
  const wanted = (yield* layoutImages(layout)).filter(
    (descriptor, at) =>
      select === undefined ||
      select === `@${at}` ||
      nameInLayout(descriptor) === select ||
      descriptor.annotations?.[refNameAnnotation] === select,
  )
  return wanted.map((descriptor) => {
    const name = nameInLayout(descriptor)
    const names = name === undefined ? [] : Option.toArray(Result.getSuccess(newName(name)))
    return { names, take: takeImageIn(layout, descriptor, names) }
  })
})

/** Docker's `manifest.json`: one entry for each image. */
const DockerManifest = Schema.fromJsonString(
  Schema.Array(Schema.Struct({ RepoTags: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))) })),
)

const inDockerArchive = Effect.fnUntraced(function* ({ path, ref, select }: Wanted, area: string): Candidates {
  const manifest = join(area, "manifest.json")
  const text = yield* attemptSync("read", manifest, () => fs.readFileSync(manifest, "utf8"))
  const entries = yield* Schema.decodeUnknownEffect(DockerManifest)(text).pipe(
    Effect.mapError(() => new ArchiveInvalid({ archive: ref, problem: "manifest.json cannot be read" })),
  )
  const plain = yield* plainArchive(path, join(area, "archive"))
  return entries.flatMap((entry, at) => {
    const tags = (entry.RepoTags ?? []).flatMap((tag) => Option.toArray(Result.getSuccess(remoteName(tag))))
    const names = selectNames(tags, at, select)
    const from = { _tag: "Path", transport: "docker-archive", path: plain, ref: `@${at}` } as const
    return names === undefined ? [] : [{ names, take: copyIn(from, { operation: "load", ref, names }) }]
  })
})

/** The names that an image of an archive gets; absent when another image was asked for. */
const selectNames = (
  tags: ReadonlyArray<string>,
  at: number,
  select: string | undefined,
): ReadonlyArray<string> | undefined => {
  if (select === undefined || select === `@${at}`) return tags
  const wanted = Result.getOrUndefined(remoteName(select))
  return wanted !== undefined && tags.includes(wanted) ? [wanted] : undefined
}

/** skopeo 1.9 does not read an archive with gzip. */
const plainArchive = Effect.fnUntraced(function* (path: string, target: string) {
  const compression = yield* attempt("read", path, async () => {
    const { head } = await peek(fs.createReadStream(path, { end: 15 }))
    return compressionOf(head)
  })
  if (compression === "none") return path
  yield* attempt("decompress", path, (signal) =>
    pipeline(decompressed(fileBlocks(path)), fs.createWriteStream(target, { mode: 0o600 }), { signal }),
  )
  return target
})
