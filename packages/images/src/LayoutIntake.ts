/**
 * Images of an OCI layout, taken into the store.
 *
 * Nothing is believed: every document and every blob is hashed against the digest that led to it before the store sees
 * it. Blobs that the store has already are not read again.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { digestOfBytes, passing } from "@cryopod/archive"
import { ImageInvalid } from "@cryopod/entities"
import { attempt, attemptSync, fileBlocks, makeDirectory } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Descriptor, goArchitecture, mediaTypes, readIndex, readManifest, refNameAnnotation } from "./Documents.ts"
import { hexOf } from "./ImageRecord.ts"
import { type BlobFile, ImageStore, type StoreFailure } from "./ImageStore.ts"
import type { StoredImage } from "./ImageTables.ts"

export interface ForeignLayout {
  readonly directory: string
  /** What the caller named, for failures. */
  readonly ref: string
  /** `taken`: the files are ours and are moved. `copied`: they are somebody's and stay. */
  readonly files: "taken" | "copied"
}

export type IntakeFailure = ImageInvalid | StoreFailure

/** Documents are read whole; none of a real image is near this size. */
const maxDocumentBytes = 16 << 20

/** The images that a layout names, in its order. */
export const layoutImages = Effect.fnUntraced(function* (
  layout: ForeignLayout,
): Effect.fn.Return<ReadonlyArray<Descriptor>, IntakeFailure> {
  const index = yield* readIndex(yield* readDocument(layout, join(layout.directory, "index.json")), layout.ref)
  return index.manifests
})

/** The name that a layout gives to one of its images; containerd keeps the full one under a key of its own. */
export const nameInLayout = (descriptor: Descriptor): string | undefined =>
  descriptor.annotations?.["io.containerd.image.name"] ?? descriptor.annotations?.[refNameAnnotation]

/** Take one image in; of several platforms, this host's. */
export const takeImageIn = Effect.fnUntraced(function* (
  layout: ForeignLayout,
  descriptor: Descriptor,
  names: ReadonlyArray<string>,
): Effect.fn.Return<StoredImage, IntakeFailure, ImageStore | Scope.Scope> {
  const store = yield* ImageStore
  const bytes = yield* readVerified(layout, yield* forThisHost(layout, descriptor))
  const manifest = yield* readManifest(bytes, layout.ref)
  const config = yield* readVerified(layout, manifest.config)
  const area = join(yield* store.area, "blobs")
  yield* makeDirectory(area)
  const blobs: Array<BlobFile> = []
  for (const digest of new Set(manifest.layers.map((layer) => layer.digest))) {
    const file = yield* verifiedBlob(layout, digest, area)
    if (file !== undefined) blobs.push(file)
  }
  return yield* store.insert({ manifest: bytes, config, blobs, names })
})

const blobIn = (layout: ForeignLayout, digest: string) => join(layout.directory, "blobs", "sha256", hexOf(digest))

const forThisHost = Effect.fnUntraced(function* (
  layout: ForeignLayout,
  descriptor: Descriptor,
): Effect.fn.Return<Descriptor, IntakeFailure> {
  if (descriptor.mediaType !== mediaTypes.index && descriptor.mediaType !== mediaTypes.dockerManifestList)
    return descriptor
  const { manifests } = yield* readIndex(yield* readVerified(layout, descriptor), layout.ref)
  const architecture = goArchitecture(process.arch)
  const fitting = manifests.find(
    (other) => other.platform?.os === "linux" && other.platform.architecture === architecture,
  )
  return (
    fitting ??
    (yield* new ImageInvalid({ ref: layout.ref, problem: `there is no image for linux/${architecture} in it` }))
  )
})

const readVerified = Effect.fnUntraced(function* (layout: ForeignLayout, descriptor: Descriptor) {
  const bytes = yield* readDocument(layout, blobIn(layout, descriptor.digest))
  if (digestOfBytes(bytes) === descriptor.digest) return bytes
  return yield* new ImageInvalid({ ref: layout.ref, problem: `blob ${descriptor.digest} is damaged` })
})

const readDocument = Effect.fnUntraced(function* (layout: ForeignLayout, path: string) {
  if (!fs.existsSync(path))
    return yield* new ImageInvalid({
      ref: layout.ref,
      problem: `${path.slice(layout.directory.length + 1)} is missing`,
    })
  const sizeBytes = yield* attemptSync("look at", path, () => fs.statSync(path).size)
  if (sizeBytes > maxDocumentBytes)
    return yield* new ImageInvalid({ ref: layout.ref, problem: `a document has ${sizeBytes} bytes` })
  return yield* attemptSync("read", path, () => fs.readFileSync(path))
})

/** A file of ours with the blob in it; none when the store has the blob or the layout has it not. */
const verifiedBlob = Effect.fnUntraced(function* (layout: ForeignLayout, digest: string, area: string) {
  const store = yield* ImageStore
  const path = blobIn(layout, digest)
  const file = join(area, hexOf(digest))
  if (isSameFile(path, store.blobPath(digest))) return { digest, path }
  // a layer that is not here may be in the store; whether it is, is asked under the store's lock
  if (!fs.existsSync(path) || fs.existsSync(store.blobPath(digest))) return undefined
  const measured = yield* attempt("read blob", path, async (signal) => {
    const bytes = passing(fileBlocks(path))
    if (layout.files === "copied")
      await pipeline(bytes.blocks, fs.createWriteStream(file, { flags: "wx", mode: 0o600 }), { signal })
    else for await (const _ of bytes.blocks) signal.throwIfAborted()
    return bytes.measured()
  })
  if (measured.digest !== digest)
    return yield* new ImageInvalid({ ref: layout.ref, problem: `blob ${digest} is damaged` })
  return { digest, path: layout.files === "copied" ? file : path }
})

/** A blob that was linked from the store into a layout of ours. */
const isSameFile = (one: string, other: string): boolean => {
  const [a, b] = [one, other].map((path) => fs.statSync(path, { throwIfNoEntry: false }))
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev
}
