/**
 * The images of this host: which there are, what they are called, where their bytes lie.
 *
 * ROOT/images is an OCI image layout with every manifest and configuration in it. A layer blob is there when it came
 * from outside; that of a checkpoint made here is *virtual*: its content lies unpacked in ROOT/layers and its bytes are
 * produced when the image leaves (`Layers`). The database says what exists; files that it does not know are garbage,
 * removed under the store's lock by whoever changes the store next. So the order is: bytes, then database, then
 * `index.json`, which only repeats the database for other tools.
 *
 * A checkpoint image may still lack its digest (`PendingImages`). Whoever looks for an image that may be this one, or
 * gives its name away, waits for it.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import {
  type CriuRestoreOptions,
  type DatabaseFailed,
  findImage,
  type Found,
  type ImageAmbiguous,
  type ReferenceInvalid,
  type StorageFailed,
} from "@cryopod/entities"
import type { BlockCompression, Measured } from "@cryopod/archive"
import { ImageInvalid, ImageNotFound } from "@cryopod/entities"
import {
  attemptSync,
  Database,
  holdLock,
  Layout,
  makeDirectory,
  type Prepare,
  syncDirectory,
  temporaryArea,
  writeAgain,
  writeAtomic,
} from "@cryopod/host"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { documentBytes, type ImageConfig, type Manifest, readConfig, readManifest } from "./Documents.ts"
import { describeImage, hexOf, indexDocument } from "./ImageRecord.ts"
import * as Tables from "./ImageTables.ts"
import type { StoredImage, StoredLayer } from "./ImageTables.ts"
import { ImageUse } from "./ImageUse.ts"
import type { CheckpointDescription } from "./CheckpointDocuments.ts"
import { pendingDirectory, type PendingImage, pendingImages, selectPending, type Unfinished } from "./PendingImages.ts"

export type StoreFailure = StorageFailed | DatabaseFailed
export type ResolveFailure = ImageNotFound | ImageAmbiguous | ReferenceInvalid | StoreFailure

/** A finished file with the bytes of a blob, whose digest has been checked; it is moved, not copied. */
export interface BlobFile {
  readonly digest: string
  readonly path: string
}

export interface NewImage {
  readonly manifest: Uint8Array
  readonly config: Uint8Array
  /** Layer blobs that are not in the store yet; one may be missing when its content is in `unpacked`. */
  readonly blobs: ReadonlyArray<BlobFile>
  /** Full names. */
  readonly names: ReadonlyArray<string>
  /** The unpacked content of the image's uncompressed layer, moved to its place in ROOT/layers. */
  readonly unpacked?: { readonly diffId: string; readonly directory: string }
  /** For a checkpoint that was made here: what its restore needs. */
  readonly madeHere?: CriuRestoreOptions
}

export interface ImageStoreShape {
  /** Find an image by name, short name, `repository@digest`, id, or the beginning of an id; a name wins over an id. */
  readonly find: (ref: string) => Effect.Effect<Found<StoredImage>, ResolveFailure>
  /** As `find`, without the name. */
  readonly resolve: (ref: string) => Effect.Effect<StoredImage, ResolveFailure>
  /** By full id. */
  readonly get: (id: string) => Effect.Effect<StoredImage, ImageNotFound | StoreFailure>
  /** Newest first. */
  readonly list: Effect.Effect<ReadonlyArray<StoredImage>, StoreFailure>
  readonly manifest: (image: StoredImage) => Effect.Effect<Manifest, ImageInvalid | StoreFailure>
  readonly config: (image: StoredImage) => Effect.Effect<ImageConfig, ImageInvalid | StoreFailure>
  /** Of all blobs that are there: layers, manifests, configurations. */
  readonly blobDigests: () => ReadonlyArray<string>
  /** Where a blob is or would be. */
  readonly blobPath: (digest: string) => string
  /** Where the unpacked content of a layer is or would be. */
  readonly layerPath: (diffId: string) => string
  /** Layers whose blobs are not kept; their bytes are produced from their unpacked content. */
  readonly virtualLayers: (image: StoredImage) => ReadonlyArray<StoredLayer>
  /**
   * Take an image in, all or nothing. It is durable on success, but for the content of `unpacked`, which its maker
   * syncs; on a failure `unpacked` is where it was. An image with the same configuration gets the new manifest and
   * keeps its names.
   */
  readonly insert: (image: NewImage) => Effect.Effect<StoredImage, ImageInvalid | StoreFailure>
  /** Take over the files of a checkpoint image that is made when it is needed; they are where they were on a failure. */
  readonly addPending: (directory: string, description: CheckpointDescription) => Effect.Effect<void, StoreFailure>
  /** Make all images that are still to be made; those that could not be. */
  readonly finishPending: Effect.Effect<ReadonlyArray<Unfinished>, StoreFailure>
  /** Give an image full names, which move here from the images that had them. */
  readonly assignNames: (id: string, names: ReadonlyArray<string>) => Effect.Effect<void, ImageNotFound | StoreFailure>
  /** Take names away; the image stays. Fails with the first name that is not the image's, having changed nothing. */
  readonly removeNames: (id: string, names: ReadonlyArray<string>) => Effect.Effect<void, ImageNotFound | StoreFailure>
  /**
   * Remove an image with its names and everything that only it needed, its root filesystem included. `allowed` sees
   * the image under the lock that keeps the store as it is; its failure leaves everything in place.
   */
  readonly remove: <E>(
    id: string,
    allowed: (image: StoredImage) => Effect.Effect<void, E>,
  ) => Effect.Effect<StoredImage, E | ImageNotFound | StoreFailure>
  /** Layers of an image as they have been brought somewhere with a compression, by their diffIDs. */
  readonly compressedLayers: (
    id: string,
    compression: BlockCompression,
  ) => Effect.Effect<ReadonlyMap<string, Measured>, StoreFailure>
  /** Of an image that is gone, nothing is remembered. */
  readonly rememberCompressed: (
    id: string,
    compression: BlockCompression,
    layers: ReadonlyMap<string, Measured>,
  ) => Effect.Effect<void, StoreFailure>
  /**
   * Do short work while no image can be removed or replaced: linking blobs, moving a finished tree to its place,
   * recording a container of an image. Not to be nested, and images are not to be looked up in it: what waits for its
   * digest needs the same lock.
   */
  readonly locked: <A, E>(work: Effect.Effect<A, E>) => Effect.Effect<A, E | StoreFailure>
  /** A directory for half-made things on the store's file system, removed when the scope closes. */
  readonly area: Effect.Effect<string, StoreFailure, Scope.Scope>
}

export class ImageStore extends Context.Service<ImageStore, ImageStoreShape>()("@cryopod/images/ImageStore") {
  static readonly layer = Layer.effect(
    ImageStore,
    Effect.suspend(() => make()),
  )
}

/** image-spec `image-layout.md`. */
export const ociLayoutFile = '{"imageLayoutVersion":"1.0.0"}'

const make = Effect.fnUntraced(function* () {
  const layout = yield* Layout
  const database = yield* Database
  const use = yield* ImageUse
  const blobs = join(layout.images, "blobs", "sha256")
  const layers = join(layout.layers, "sha256")
  const blobPath = (digest: string) => join(blobs, hexOf(digest))
  const layerPath = (diffId: string) => join(layers, hexOf(diffId))
  const lock = holdLock(join(layout.locks, "images"))
  const area = temporaryArea(layout.temporary)

  const recorded = database.read(Tables.selectImages)
  const get = Effect.fnUntraced(function* (id: string) {
    const image = yield* database.read((prepare) => Tables.selectImage(prepare, id))
    return image ?? (yield* new ImageNotFound({ ref: id }))
  })
  const readBlob = (digest: string) =>
    attemptSync("read blob", blobPath(digest), () => fs.readFileSync(blobPath(digest)))

  /** Repeat the database in the layout, for tools that read layouts. */
  const writeIndex = Effect.fnUntraced(function* () {
    yield* writeAgain(join(layout.images, "index.json"), documentBytes(indexDocument(yield* recorded)))
  })

  /** Remove what no image needs. Trees can be big: they go to `rubbish`, which is removed when the lock is free again. */
  const collectGarbage = Effect.fnUntraced(function* (rubbish: string) {
    const images = yield* recorded
    const wantedBlobs = images.flatMap((image) => [
      image.manifestDigest,
      image.id,
      ...image.layers.map((layer) => layer.digest),
    ])
    const wanted: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
      [blobs, wantedBlobs],
      [layers, images.flatMap((image) => image.layers.map((layer) => layer.diffId))],
      [layout.rootfs, images.map((image) => image.id)],
      [pendingDirectory(layout), (yield* database.read(selectPending)).map(({ token }) => token)],
    ]
    for (const [directory, names] of wanted) {
      const known = new Set(names.map(hexOf))
      yield* attemptSync("clean up", directory, () => {
        for (const name of entriesOf(directory)) {
          if (!known.has(name)) fs.renameSync(join(directory, name), fs.mkdtempSync(join(rubbish, "x-")) + "/gone")
        }
      })
    }
  })

  /** Work that changes the store. What cannot be tidied up after it is tidied up after the next change. */
  const changing = <A, E>(work: (rubbish: string) => Effect.Effect<A, E>): Effect.Effect<A, E | StoreFailure> =>
    Effect.scoped(
      Effect.gen(function* () {
        const rubbish = yield* area
        yield* lock
        const tidy = Effect.ignore(Effect.andThen(writeIndex(), collectGarbage(rubbish)))
        return yield* Effect.uninterruptible(Effect.ensuring(work(rubbish), tidy))
      }),
    )

  const prepareLayout = Effect.fnUntraced(function* () {
    yield* makeDirectory(blobs)
    const marker = join(layout.images, "oci-layout")
    if (!fs.existsSync(marker)) yield* writeAtomic(marker, ociLayoutFile)
  })

  const adoptBlob = (blob: BlobFile) =>
    attemptSync("store blob", blobPath(blob.digest), () => {
      if (fs.existsSync(blobPath(blob.digest))) return
      syncFile(blob.path)
      fs.renameSync(blob.path, blobPath(blob.digest))
    })

  const isVirtual = (layer: StoredLayer) => layer.digest === layer.diffId && !fs.existsSync(blobPath(layer.digest))

  const insert = Effect.fn("ImageStore.insert")(function* (
    image: NewImage,
    recorded: (prepare: Prepare) => void = () => undefined,
  ) {
    const record = yield* describeImage(image)
    const present = (layer: StoredLayer) =>
      fs.existsSync(blobPath(layer.digest)) ||
      (isVirtual(layer) && (layer.diffId === image.unpacked?.diffId || fs.existsSync(layerPath(layer.diffId))))
    return yield* changing(
      Effect.fnUntraced(function* (rubbish) {
        yield* prepareLayout()
        yield* Effect.forEach(image.blobs, adoptBlob)
        yield* writeAtomic(blobPath(record.id), image.config)
        yield* writeAtomic(blobPath(record.manifestDigest), image.manifest)
        yield* syncDirectory(blobs)
        const missing = record.layers.find((layer) => !present(layer))
        if (missing !== undefined) {
          return yield* new ImageInvalid({
            ref: record.names[0] ?? record.id,
            problem: `layer ${missing.digest} is missing`,
          })
        }
        const recording = database.write((prepare) => {
          Tables.upsertImage(prepare, record)
          if (image.madeHere !== undefined) use.made(prepare, record.id, image.madeHere)
          recorded(prepare)
          return Tables.selectImage(prepare, record.id) ?? record
        })
        if (image.unpacked === undefined) return yield* recording
        const { directory, diffId } = image.unpacked
        return yield* moved(directory, layerPath(diffId), join(rubbish, "replaced"), recording)
      }),
    )
  })

  const locked: ImageStoreShape["locked"] = (work) => Effect.scoped(Effect.andThen(lock, work)) as never
  const pending = pendingImages({ layout, database, locked, area, insert })

  const find = Effect.fn("ImageStore.find")(function* (ref: string) {
    const waiting = yield* pending.list
    // what the text does not mean is not waited for
    const isThere = waiting.length === 0 || isRecorded(findImage([...waiting.map(expected), ...(yield* recorded)], ref))
    const unfinished = isThere ? [] : yield* pending.finish()
    const images = [...unfinished.map(({ failure, image }) => ({ ...expected(image), failure })), ...(yield* recorded)]
    const { image, name } = yield* Effect.fromResult(findImage(images, ref))
    if ("failure" in image) return yield* image.failure
    return name === undefined ? { image } : { image, name }
  })
  const list = Effect.andThen(pending.finish(), recorded)
  return ImageStore.of({
    find,
    resolve: (ref) => Effect.map(find(ref), (found) => found.image),
    get,
    list,
    addPending: pending.add,
    finishPending: pending.finish(),
    manifest: (image) => Effect.flatMap(readBlob(image.manifestDigest), (bytes) => readManifest(bytes, image.id)),
    config: (image) => Effect.flatMap(readBlob(image.id), (bytes) => readConfig(bytes, image.id)),
    blobDigests: () => entriesOf(blobs).flatMap((name) => (/^[0-9a-f]{64}$/.test(name) ? [`sha256:${name}`] : [])),
    blobPath,
    layerPath,
    virtualLayers: (image) => image.layers.filter(isVirtual),
    insert: (image) => Effect.andThen(pending.finish(image.names), insert(image)),
    assignNames: Effect.fn("ImageStore.assignNames")(function* (id: string, names: ReadonlyArray<string>) {
      yield* pending.finish(names)
      yield* changing(() =>
        Effect.andThen(
          get(id),
          database.write((prepare) => {
            for (const name of names) Tables.assignName(prepare, id, name)
          }),
        ),
      )
    }),
    removeNames: Effect.fn("ImageStore.removeNames")(function* (id: string, names: ReadonlyArray<string>) {
      yield* pending.finish(names)
      yield* changing(
        Effect.fnUntraced(function* () {
          const image = yield* get(id)
          const foreign = names.find((name) => !image.names.includes(name))
          if (foreign !== undefined) return yield* new ImageNotFound({ ref: foreign })
          yield* database.write((prepare) => {
            for (const name of names) Tables.deleteName(prepare, id, name)
          })
        }),
      )
    }),
    remove: Effect.fn("ImageStore.remove")(function* <E>(
      id: string,
      allowed: (image: StoredImage) => Effect.Effect<void, E>,
    ) {
      return yield* changing(
        Effect.fnUntraced(function* () {
          const image = yield* get(id)
          yield* allowed(image)
          yield* database.write((prepare) => Tables.deleteImage(prepare, id))
          return image
        }),
      )
    }),
    compressedLayers: (id, compression) =>
      database.read((prepare) => Tables.selectCompressed(prepare, id, compression)),
    rememberCompressed: (id, compression, brought) =>
      brought.size === 0
        ? Effect.void
        : database.write((prepare) => {
            if (Tables.selectImage(prepare, id) !== undefined)
              Tables.upsertCompressed(prepare, id, compression, brought)
          }),
    locked,
    area,
  })
})

/** An image that is still to be made, as what is known of it. */
const expected = ({ name }: PendingImage) => ({ id: "", manifestDigest: "", names: [name] })

const isRecorded = (found: ReturnType<typeof findImage>) => Result.isSuccess(found) && found.success.image.id !== ""

const entriesOf = (directory: string): ReadonlyArray<string> =>
  fs.existsSync(directory) ? fs.readdirSync(directory) : []

const syncFile = (path: string) => {
  const fd = fs.openSync(path, "r")
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/** Move a tree to its place, out of which an equal one goes, for as long as the work succeeds; otherwise all is as before. */
const moved = <A, E>(from: string, to: string, aside: string, work: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    yield* makeDirectory(join(to, ".."))
    const replaced = yield* attemptSync("move", to, () => {
      const equal = fs.existsSync(to)
      if (equal) fs.renameSync(to, aside)
      fs.renameSync(from, to)
      return equal
    })
    const back = attemptSync("move back", from, () => {
      fs.renameSync(to, from)
      if (replaced) fs.renameSync(aside, to)
    })
    return yield* syncDirectory(join(to, "..")).pipe(
      Effect.andThen(work),
      Effect.onError(() => Effect.ignore(back)),
    )
  })
