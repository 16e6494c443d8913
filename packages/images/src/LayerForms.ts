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
  /** DiffIDs of those that the layout does without: they are where it is to go. */
  readonly there: Set<string>
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
    const written =
      (yield* presentThere(layer, files)) ??
      (yield* bringBlob(layer, plainBlocks, files, form)) ??
      (yield* writeBlob(layer, plainBlocks, files, form))
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
    if (known === undefined || (await ahead?.uploads.has(known.digest)) !== true) return undefined
    ahead?.there.add(diffId)
    return known
  })

const typeOf = (compression: "none" | BlockCompression): string =>
  ({ none: mediaTypes.layer, gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd })[compression]

/** A stream of its own makes a new block each time. */
const blobBlocks = (path: string) => fs.createReadStream(path, { highWaterMark: compressedBlockBytes })

type Content = () => Promise<AsyncIterable<Uint8Array>>

/** What a layer's blob is made of and becomes; its content is checked on its way. */
const produced = async (
  { diffId, digest }: StoredLayer,
  content: Content,
  {
    compression,
    passed,
    signal,
    take,
  }: Pick<LayoutFiles, "passed"> & {
    readonly compression: BlockCompression | undefined
    readonly signal: AbortSignal
    readonly take: (block: Uint8Array) => Promise<void>
  },
): Promise<Measured> => {
  const plain = passing(await content(), async ({ length }) => passed?.(length))
  const blob = compression === undefined ? plain : passing(compressLasting(plain.blocks, compression))
  await takeBehind(blob.blocks, signal, take)
  if (plain.measured().digest !== diffId)
    throw new ImageInvalid({ ref: digest, problem: `the content of the layer was changed on disk` })
  return blob.measured()
}

/** Write a blob from the content of a layer. */
const writeBlob = Effect.fnUntraced(function* (
  layer: StoredLayer,
  content: Content,
  { ahead, blob, half, passed }: LayoutFiles,
  compression: BlockCompression | undefined,
): Effect.fn.Return<Measured, ImageInvalid | StorageFailed> {
  const written = yield* checked(half, async (signal) => {
    const handle = await fs.promises.open(half, "w", 0o600)
    try {
      const take = (block: Uint8Array) => handle.writeFile(block)
      return await produced(layer, content, { compression, signal, take, ...(passed && { passed }) })
    } finally {
      await handle.close()
    }
  })
  if (compression !== undefined) ahead?.made.set(layer.diffId, written)
  yield* attemptSync("rename", blob(written.digest), () => fs.renameSync(half, blob(written.digest)))
  return written
})

/** Bring a blob to where it is to go, without a file here; undefined when it did not get there. */
const bringBlob = Effect.fnUntraced(function* (
  layer: StoredLayer,
  content: Content,
  { ahead, half, passed }: LayoutFiles,
  compression: BlockCompression,
): Effect.fn.Return<Measured | undefined, ImageInvalid | StorageFailed> {
  // skopeo knows where else a registry may have what was brought before
  if (ahead === undefined || ahead.known.has(layer.diffId)) return undefined
  const upload = yield* Effect.promise(() => ahead.uploads.begin())
  if (upload === undefined) return undefined
  const brought = yield* checked(half, async (signal) => {
    const abandon = () => upload.abandon()
    signal.addEventListener("abort", abandon, { once: true })
    try {
      const blob = await produced(layer, content, {
        compression,
        signal,
        take: async (block) => {
          if (!(await upload.write(block))) throw notTaken
        },
        ...(passed && { passed }),
      })
      return (await upload.finish(blob.digest)) ? blob : undefined
    } catch (cause) {
      if (cause === notTaken) return undefined
      throw cause
    } finally {
      abandon()
    }
  })
  if (brought === undefined) return undefined
  ahead.made.set(layer.diffId, brought)
  ahead.there.add(layer.diffId)
  return brought
})

const notTaken = new Error("not taken")

/** What is read here may be no image. */
const checked = <A>(
  path: string,
  work: (signal: AbortSignal) => Promise<A>,
): Effect.Effect<A, ImageInvalid | StorageFailed> =>
  Effect.flatten(
    attempt("write", path, (signal) =>
      work(signal).then(Effect.succeed, (cause: unknown) => {
        if (cause instanceof ImageInvalid) return Effect.fail(cause)
        throw cause
      }),
    ),
  )

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
