/**
 * Layers in the form that a destination wants, and the manifest that says so.
 *
 * A layer that is unpacked here is never written out plain to be compressed: its archive goes through the compression
 * as it is produced. Whatever the form, the content is checked against its diffID.
 */
import * as fs from "node:fs"
import {
  type BlockCompression,
  compressedBlockBytes,
  compressionOf,
  decompressed,
  digestOfBytes,
  lastingBlocks,
  planDirectory,
  underWay,
} from "@cryopod/archive"
import type { ImageInvalid, StorageFailed } from "@cryopod/entities"
import { attemptSync, fileBlocks } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { type Descriptor, documentBytes, mediaTypes, readManifest } from "./Documents.ts"
import type { StoredImage, StoredLayer } from "./ImageTables.ts"
import { bringBlob, type LayoutFiles, presentThere, writeBlob } from "./LayerBlobs.ts"

/**
 * `kept`: documents and blobs as they are. `plain`: OCI media types only and no zstd, for tools that know neither
 * Docker's types nor zstd (umoci 0.4, Docker's archives). `gzip`, `zstd`: uncompressed layers get this compression.
 * In every form the image has the same id; the manifest has another digest when a layer has.
 */
export type LayerForm = "kept" | "plain" | BlockCompression

/** An OCI layout wants OCI's media types: readers do not find Docker's in it by name (skopeo 1.9). */
export const ociForm = (image: StoredImage): LayerForm =>
  image.manifestType === mediaTypes.manifest ? "kept" : "plain"

/** Produce what the form wants, and describe the manifest that goes with it. */
export const formLayers = Effect.fnUntraced(function* (
  image: StoredImage,
  form: LayerForm,
  files: LayoutFiles,
): Effect.fn.Return<Descriptor, ImageInvalid | StorageFailed> {
  const kept = { mediaType: image.manifestType, digest: image.manifestDigest, size: image.manifestSizeBytes }
  // Docker's manifests know neither zstd nor a type for uncompressed layers: a transport does with them what it can
  const wanted = form !== "plain" && image.manifestType !== mediaTypes.manifest ? "kept" : form
  const bytes = yield* attemptSync("read", files.blob(kept.digest), () => fs.readFileSync(files.blob(kept.digest)))
  const manifest = yield* readManifest(bytes, image.id)
  const layers: Array<Descriptor> = []
  for (const [at, descriptor] of manifest.layers.entries()) {
    const layer = image.layers[at]
    layers.push(layer === undefined ? descriptor : yield* formLayer(descriptor, layer, wanted, files))
  }
  if (wanted !== "plain" && layers.every((layer, at) => layer.digest === manifest.layers[at]?.digest)) return kept
  const formed = documentBytes({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { ...manifest.config, mediaType: mediaTypes.config },
    layers,
    ...(manifest.annotations ? { annotations: manifest.annotations } : {}),
  })
  const digest = digestOfBytes(formed)
  yield* attemptSync("write", files.blob(digest), () => fs.writeFileSync(files.blob(digest), formed))
  return { mediaType: mediaTypes.manifest, digest, size: formed.length }
})

const formLayer = Effect.fnUntraced(function* (
  descriptor: Descriptor,
  layer: StoredLayer,
  form: LayerForm,
  files: LayoutFiles,
) {
  const unpacked = files.unpacked.get(layer.digest)
  const path = files.blob(layer.digest)
  const compression =
    unpacked === undefined ? yield* attemptSync("read", path, () => compressionOf(headOf(path))) : "none"
  const plain = {
    layer,
    content: async (): Promise<AsyncIterable<Uint8Array>> =>
      unpacked === undefined ? blobBlocks(path) : lastingBlocks(await planDirectory(unpacked)),
  }

  if ((form === "gzip" || form === "zstd") && compression === "none") {
    const written =
      (yield* presentThere(layer, files)) ??
      (yield* bringBlob({ ...plain, compression: form }, files)) ??
      (yield* writeBlob({ ...plain, compression: form }, files))
    return { ...descriptor, mediaType: typeOf(form), digest: written.digest, size: written.sizeBytes }
  }
  if (unpacked !== undefined) {
    yield* writeBlob(plain, files)
    return descriptor
  }
  if (form !== "plain") return descriptor
  if (compression !== "zstd") return { ...descriptor, mediaType: typeOf(compression) }
  const written = yield* writeBlob({ layer, content: async () => decompressed(blobBlocks(path)) }, files)
  return { ...descriptor, mediaType: mediaTypes.layer, digest: written.digest, size: written.sizeBytes }
})

const typeOf = (compression: "none" | BlockCompression): string =>
  ({ none: mediaTypes.layer, gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd })[compression]

/** As `compressLasting` takes them. */
const blobBlocks = (path: string) => fileBlocks(path, { blockBytes: compressedBlockBytes, lasting: underWay })

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
