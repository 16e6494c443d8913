/** An image's documents as the record that the store keeps of them, and the records as the store's OCI index. */
import { digestOfBytes } from "@cryopod/archive"
import { ImageInvalid } from "@cryopod/entities"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { mediaTypes, readConfig, readManifest, refNameAnnotation } from "./Documents.ts"
import type { StoredImage } from "./ImageTables.ts"

/** Check that manifest and configuration belong together, and take out what is worth keeping. */
export const describeImage = Effect.fnUntraced(function* (documents: {
  readonly manifest: Uint8Array
  readonly config: Uint8Array
  readonly names: ReadonlyArray<string>
}): Effect.fn.Return<StoredImage, ImageInvalid> {
  const manifestDigest = digestOfBytes(documents.manifest)
  const ref = documents.names[0] ?? manifestDigest
  const manifest = yield* readManifest(documents.manifest, ref)
  if (digestOfBytes(documents.config) !== manifest.config.digest) {
    return yield* new ImageInvalid({ ref, problem: "the configuration has not the digest that the manifest says" })
  }
  const config = yield* readConfig(documents.config, ref)
  const diffIds = config.rootfs.diff_ids
  if (diffIds.length !== manifest.layers.length) {
    return yield* new ImageInvalid({
      ref,
      problem: `the manifest has ${manifest.layers.length} layers, the configuration ${diffIds.length}`,
    })
  }
  const created = config.created ?? epoch
  const instant = Option.getOrElse(DateTime.make(created), () => DateTime.makeUnsafe(0))
  return {
    id: hexOf(manifest.config.digest),
    manifestDigest,
    created,
    createdSeconds: Math.floor(DateTime.toEpochMillis(instant) / 1000),
    names: documents.names,
    architecture: config.architecture ?? "",
    os: config.os ?? "",
    manifestType: manifest.mediaType ?? mediaTypes.manifest,
    manifestSizeBytes: documents.manifest.length,
    annotations: manifest.annotations ?? {},
    labels: config.config?.Labels ?? {},
    layers: manifest.layers.map((layer, at) => ({
      digest: layer.digest,
      mediaType: layer.mediaType,
      sizeBytes: layer.size,
      diffId: diffIds[at] ?? layer.digest,
    })),
    sizeBytes: manifest.layers.reduce(
      (sum, layer) => sum + layer.size,
      2 * documents.manifest.length + documents.config.length,
    ),
  }
})

const epoch = "1970-01-01T00:00:00Z"

/** `sha256:<hex>` → `<hex>`. */
export const hexOf = (digest: string): string => digest.slice(digest.indexOf(":") + 1)

/** image-spec `image-index.md`: a descriptor for each name, and one without a name for an image that has none. */
export const indexDocument = (images: ReadonlyArray<StoredImage>) => ({
  schemaVersion: 2,
  mediaType: mediaTypes.index,
  manifests: images.flatMap((image) => {
    const descriptor = { mediaType: image.manifestType, digest: image.manifestDigest, size: image.manifestSizeBytes }
    return image.names.length === 0
      ? [descriptor]
      : image.names.map((name) => ({ ...descriptor, annotations: { [refNameAnnotation]: name } }))
  }),
})
