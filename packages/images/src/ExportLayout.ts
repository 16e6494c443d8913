/**
 * An image as a complete OCI layout of its own, for tools that read layouts.
 *
 * Blobs are hard links into the store; those of virtual layers are produced. Temporary: it goes with the scope.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { compressionOf, decompressor, digestOfBytes, readBlockBytes } from "@cryopod/archive"
import { ImageInvalid, type ImageNotFound } from "@cryopod/entities"
import { attempt, attemptSync, linkTree, makeDirectory } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Descriptor, documentBytes, mediaTypes, readManifest, refNameAnnotation } from "./Documents.ts"
import { hexOf } from "./ImageRecord.ts"
import { ImageStore, ociLayoutFile, type StoreFailure } from "./ImageStore.ts"
import type { StoredImage } from "./ImageTables.ts"
import { Layers } from "./Layers.ts"
import { passing } from "./Passing.ts"

export interface ExportOptions {
  /** Name of the image in the layout's index; none when absent. */
  readonly ref?: string
  /**
   * `kept`: documents and blobs as they are. `plain`: OCI media types only and no zstd, for tools that know neither
   * Docker's types nor zstd (umoci 0.4, Docker's archives); the manifest then has another digest, the image the same id.
   */
  readonly form: "kept" | "plain"
}

export type ExportFailure = ImageNotFound | ImageInvalid | StoreFailure

/** Makes the layout and gives its directory. */
export const exportLayout = Effect.fn("exportLayout")(function* (
  imageId: string,
  options: ExportOptions,
): Effect.fn.Return<string, ExportFailure, ImageStore | Layers | Scope.Scope> {
  const store = yield* ImageStore
  const layers = yield* Layers
  const area = yield* store.area
  const directory = join(area, "layout")
  const blob = (digest: string) => join(directory, "blobs", "sha256", hexOf(digest))
  yield* makeDirectory(join(directory, "blobs", "sha256"))

  // after this the image may be removed: everything has a second name here
  const image = yield* store.locked(
    Effect.gen(function* () {
      const present = yield* store.get(imageId)
      const virtual = store.virtualLayers(present)
      for (const digest of new Set([
        present.manifestDigest,
        `sha256:${present.id}`,
        ...present.layers.map((layer) => layer.digest),
      ])) {
        if (virtual.some((layer) => layer.digest === digest))
          yield* linkTree(store.layerPath(digest), join(area, hexOf(digest)))
        else yield* attemptSync("link", blob(digest), () => fs.linkSync(store.blobPath(digest), blob(digest)))
      }
      return { ...present, virtual }
    }),
  )
  for (const layer of image.virtual)
    yield* layers.writeArchive(join(area, hexOf(layer.digest)), layer, blob(layer.digest))

  const descriptor = options.form === "kept" ? keptManifest(image) : yield* plainManifest(image, blob)
  yield* attemptSync("write", directory, () => {
    fs.writeFileSync(join(directory, "oci-layout"), ociLayoutFile)
    fs.writeFileSync(
      join(directory, "index.json"),
      documentBytes({
        schemaVersion: 2,
        mediaType: mediaTypes.index,
        manifests: [
          options.ref === undefined ? descriptor : { ...descriptor, annotations: { [refNameAnnotation]: options.ref } },
        ],
      }),
    )
  })
  return directory
})

const keptManifest = (image: StoredImage): Descriptor => ({
  mediaType: image.manifestType,
  digest: image.manifestDigest,
  size: image.manifestSizeBytes,
})

/** Write the manifest anew, with media types that say what is in the blobs. */
const plainManifest = Effect.fnUntraced(function* (image: StoredImage, blob: (digest: string) => string) {
  const bytes = yield* attemptSync("read", blob(image.manifestDigest), () =>
    fs.readFileSync(blob(image.manifestDigest)),
  )
  const manifest = yield* readManifest(bytes, image.id)
  const layers: Array<Descriptor> = []
  for (const [at, layer] of manifest.layers.entries()) {
    const diffId = image.layers[at]?.diffId ?? layer.digest
    const compression = yield* attemptSync("read", blob(layer.digest), () => compressionOf(headOf(blob(layer.digest))))
    if (compression === "zstd") {
      const size = yield* decompressed(image.id, blob(layer.digest), blob(diffId), diffId)
      layers.push({ mediaType: mediaTypes.layer, digest: diffId, size })
    } else {
      const mediaType = compression === "gzip" ? mediaTypes.layerGzip : mediaTypes.layer
      layers.push({ mediaType, digest: layer.digest, size: layer.size })
    }
  }
  const plain = documentBytes({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { ...manifest.config, mediaType: mediaTypes.config },
    layers,
    ...(manifest.annotations ? { annotations: manifest.annotations } : {}),
  })
  const digest = digestOfBytes(plain)
  yield* attemptSync("write", blob(digest), () => fs.writeFileSync(blob(digest), plain))
  return { mediaType: mediaTypes.manifest, digest, size: plain.length }
})

/** The length of the content. */
const decompressed = Effect.fnUntraced(function* (ref: string, from: string, to: string, diffId: string) {
  const content = yield* attempt("decompress", from, async (signal) => {
    const plain = decompressor("zstd")
    const feeding = pipeline(fs.createReadStream(from, { highWaterMark: readBlockBytes }), plain, { signal })
    const counted = passing(plain)
    await Promise.all([feeding, pipeline(counted.stream, fs.createWriteStream(to, { mode: 0o600 }), { signal })])
    return counted.measured()
  })
  if (content.digest !== diffId) return yield* new ImageInvalid({ ref, problem: `layer content is not ${diffId}` })
  return content.sizeBytes
})

const headOf = (path: string): Uint8Array => {
  const head = new Uint8Array(4)
  const fd = fs.openSync(path, "r")
  try {
    fs.readSync(fd, head, 0, head.length, 0)
  } finally {
    fs.closeSync(fd)
  }
  return head
}
