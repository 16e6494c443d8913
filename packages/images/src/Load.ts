/**
 * Images from archives and directories: OCI's own formats are read here, Docker's through skopeo.
 *
 * What a file is, is told by what is in it: `manifest.json` makes a docker-archive, `index.json` an oci-archive; with
 * both it is Docker's, which knows full names (Docker 25 and later write both).
 */
import * as fs from "node:fs"
import { join, resolve } from "node:path"
import { pipeline } from "node:stream/promises"
import { readBlockBytes, unpack } from "@cryopod/archive"
import { ArchiveInvalid, type ArchiveSource, type MemberUnsafe } from "@cryopod/entities"
import { attempt, attemptSync, makeDirectory } from "@cryopod/host"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { copyIn } from "./CopyIn.ts"
import { ImageStore } from "./ImageStore.ts"
import type { StoredImage } from "./ImageTables.ts"
import { type ForeignLayout, type IntakeFailure, layoutImages, nameInLayout, takeImageIn } from "./LayoutIntake.ts"
import { newName, remoteName } from "./Reference.ts"
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
  if (source._tag === "File") return yield* loadFrom({ path: source.path }, source.path)
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const path = join(yield* (yield* ImageStore).area, "archive")
      yield* attempt("write", path, (signal) =>
        pipeline(Stream.toAsyncIterable(source.bytes), fs.createWriteStream(path, { mode: 0o600 }), { signal }),
      )
      return yield* loadFrom({ path }, "standard input")
    }),
  )
})

/** `select` takes only the image of that name in the archive; `ref` names the archive in failures. */
export const loadFrom = Effect.fnUntraced(function* (
  archive: { readonly path: string; readonly select?: string },
  ref: string,
): Effect.fn.Return<ReadonlyArray<LoadedImage>, LoadFailure, ImageStore | Transport> {
  const path = resolve(archive.path)
  const isDirectory = yield* attemptSync("open", path, () => fs.statSync(path).isDirectory())
  return yield* Effect.scoped(
    isDirectory ? loadDirectory(path, ref, archive.select) : loadFile(path, ref, archive.select),
  )
})

const loadDirectory = Effect.fnUntraced(function* (path: string, ref: string, select: string | undefined) {
  if (fs.existsSync(join(path, "index.json")))
    return yield* loadLayout({ directory: path, ref, files: "copied" }, select)
  if (!fs.existsSync(join(path, "manifest.json"))) return yield* unknownFormat(ref)
  const image = yield* copyIn({ _tag: "Path", transport: "dir", path }, { operation: "load", ref, names: [] })
  return [{ image, names: [] }]
})

const loadFile = Effect.fnUntraced(function* (path: string, ref: string, select: string | undefined) {
  const directory = join(yield* (yield* ImageStore).area, "unpacked")
  yield* makeDirectory(directory)
  yield* unpack(fs.createReadStream(path, { highWaterMark: readBlockBytes }), directory, {
    archive: ref,
    accepts: (name) => layoutMember.test(name),
    maxMembers: 1_000_000,
    maxBytes: Number.MAX_SAFE_INTEGER,
  })
  const dockerManifest = join(directory, "manifest.json")
  if (fs.existsSync(dockerManifest)) return yield* loadDockerArchive(path, ref, dockerManifest)
  if (!fs.existsSync(join(directory, "index.json"))) return yield* unknownFormat(ref)
  return yield* loadLayout({ directory, ref, files: "taken" }, select)
})

const layoutMember = /^(oci-layout|index\.json|manifest\.json|blobs(\/sha256(\/[0-9a-f]{64})?)?)$/

const unknownFormat = (archive: string) =>
  new ArchiveInvalid({
    archive,
    problem: "payload does not match any of the supported image formats (docker-archive, oci-archive, oci-dir)",
  })

const loadLayout = Effect.fnUntraced(function* (layout: ForeignLayout, select: string | undefined) {
  const loaded: Array<LoadedImage> = []
  for (const descriptor of yield* layoutImages(layout)) {
    const name = nameInLayout(descriptor)
    if (
      select !== undefined &&
      name !== select &&
      descriptor.annotations?.["org.opencontainers.image.ref.name"] !== select
    )
      continue
    const names = name === undefined ? [] : Option.toArray(Result.getSuccess(newName(name)))
    loaded.push({ image: yield* takeImageIn(layout, descriptor, names), names })
  }
  return loaded
})

/** Docker's `manifest.json`: one entry for each image. */
const DockerManifest = Schema.fromJsonString(
  Schema.Array(
    Schema.Struct({ Config: Schema.String, RepoTags: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))) }),
  ),
)

const loadDockerArchive = Effect.fnUntraced(function* (path: string, ref: string, manifest: string) {
  const entries = yield* Schema.decodeUnknownEffect(DockerManifest)(
    yield* attemptSync("read", manifest, () => fs.readFileSync(manifest, "utf8")),
  ).pipe(Effect.mapError(() => new ArchiveInvalid({ archive: ref, problem: "manifest.json cannot be read" })))
  const loaded: Array<LoadedImage> = []
  for (const [at, entry] of entries.entries()) {
    const names = (entry.RepoTags ?? []).flatMap((tag) => Option.toArray(Result.getSuccess(remoteName(tag))))
    const image = yield* copyIn(
      { _tag: "Path", transport: "docker-archive", path, ref: `@${at}` },
      { operation: "load", ref, names },
    )
    loaded.push({ image, names })
  }
  return loaded
})
