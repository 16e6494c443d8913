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
  compressLasting,
  decompressed,
  digestOfBytes,
  lastingBlocks,
  type Measured,
  passing,
  planDirectory,
  takeBehind,
} from "@cryopod/archive"
import { ImageInvalid, type StorageFailed } from "@cryopod/entities"
import { attempt, attemptSync } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { type Descriptor, documentBytes, mediaTypes, readManifest } from "./Documents.ts"
import type { StoredImage, StoredLayer } from "./ImageTables.ts"
import type { UploadAhead } from "./registry/uploadAhead.ts"

/**
 * `kept`: documents and blobs as they are. `plain`: OCI media types only and no zstd, for tools that know neither
 * Docker's types nor zstd (umoci 0.4, Docker's archives). `gzip`, `zstd`: uncompressed layers get this compression.
 * In every form the image has the same id; the manifest has another digest when a layer has.
 */
export type LayerForm = "kept" | "plain" | BlockCompression

/** An OCI layout wants OCI's media types: readers do not find Docker's in it by name (skopeo 1.9). */
export const ociForm = (image: StoredImage): LayerForm =>
  image.manifestType === mediaTypes.manifest ? "kept" : "plain"

/** The files of a layout that is being made. */
export interface LayoutFiles {
  readonly blob: (digest: string) => string
  /** A file that is not a blob yet. */
  readonly half: string
  /** Unpacked content of layers that have no blob, by digest. */
  readonly unpacked: ReadonlyMap<string, string>
  readonly ahead?: Ahead
  /** Told of bytes before their compression. */
  readonly passed?: (bytes: number) => void
}

/** Where compressed layers go while they are made, and what is known of such. */
export interface Ahead {
  readonly uploads: UploadAhead
  /** Compressed layers of before, by their diffIDs. */
  readonly known: ReadonlyMap<string, Measured>
  /** Those that are made now. */
  readonly made: Map<string, Measured>
}

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
  const plainBlocks = async (): Promise<AsyncIterable<Uint8Array>> =>
    unpacked === undefined ? blobBlocks(path) : lastingBlocks(await planDirectory(unpacked))

  if ((form === "gzip" || form === "zstd") && compression === "none") {
    const written = (yield* presentThere(layer, files)) ?? (yield* writeBlob(layer, plainBlocks, files, form))
    return { ...descriptor, mediaType: typeOf(form), digest: written.digest, size: written.sizeBytes }
  }
  if (unpacked !== undefined) {
    yield* writeBlob(layer, plainBlocks, files, undefined)
    return descriptor
  }
  if (form !== "plain") return descriptor
  if (compression !== "zstd") return { ...descriptor, mediaType: typeOf(compression) }
  const written = yield* writeBlob(layer, async () => decompressed(blobBlocks(path)), files, undefined)
  return { ...descriptor, mediaType: mediaTypes.layer, digest: written.digest, size: written.sizeBytes }
})

/** What is where it is to go needs not be made again. */
const presentThere = ({ diffId }: StoredLayer, { ahead }: LayoutFiles) =>
  Effect.promise(async () => {
    const known = ahead?.known.get(diffId)
    return known !== undefined && (await ahead?.uploads.has(known.digest)) === true ? known : undefined
  })

const typeOf = (compression: "none" | BlockCompression): string =>
  ({ none: mediaTypes.layer, gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd })[compression]

/** A stream of its own makes a new block each time. */
const blobBlocks = (path: string) => fs.createReadStream(path, { highWaterMark: compressedBlockBytes })

/** Write a blob from the content of a layer, which is checked on its way. */
const writeBlob = Effect.fnUntraced(function* (
  layer: StoredLayer,
  content: () => Promise<AsyncIterable<Uint8Array>>,
  files: LayoutFiles,
  compression: BlockCompression | undefined,
): Effect.fn.Return<Measured, ImageInvalid | StorageFailed> {
  const { ahead, passed } = files
  const { plain, blob } = yield* attempt("write", files.half, async (signal) => {
    const plainBytes = passing(await content(), async ({ length }) => passed?.(length))
    const blobBytes = compression === undefined ? plainBytes : passing(compressLasting(plainBytes.blocks, compression))
    // skopeo knows where else a registry may have what was brought before
    const goesAhead = compression !== undefined && ahead?.known.has(layer.diffId) === false
    const upload = goesAhead ? await ahead.uploads.begin() : undefined
    signal.addEventListener("abort", () => upload?.abandon(), { once: true })
    const handle = await fs.promises.open(files.half, "w", 0o600)
    try {
      await takeBehind(blobBytes.blocks, signal, async (block) => {
        await Promise.all([handle.writeFile(block), upload?.write(block)])
      })
      const measured = { plain: plainBytes.measured(), blob: blobBytes.measured() }
      if (measured.plain.digest === layer.diffId) await upload?.finish(measured.blob.digest)
      return measured
    } finally {
      upload?.abandon()
      await handle.close()
    }
  })
  if (plain.digest !== layer.diffId) {
    return yield* new ImageInvalid({ ref: layer.digest, problem: `the content of the layer was changed on disk` })
  }
  if (compression !== undefined) ahead?.made.set(layer.diffId, blob)
  yield* attemptSync("rename", files.blob(blob.digest), () => fs.renameSync(files.half, files.blob(blob.digest)))
  return blob
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
