/**
 * An image as a complete OCI layout of its own, for tools that read layouts.
 *
 * Blobs are hard links into the store; what is not there in the wanted form is produced. Temporary: it goes with the
 * scope.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import type { ImageInvalid, ImageNotFound } from "@cryopod/entities"
import { attemptSync, linkTree, makeDirectory } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { documentBytes, mediaTypes, refNameAnnotation } from "./Documents.ts"
import { hexOf } from "./ImageRecord.ts"
import { ImageStore, ociLayoutFile, type StoreFailure } from "./ImageStore.ts"
import type { Ahead } from "./LayerBlobs.ts"
import { formLayers, type LayerForm } from "./LayerForms.ts"

export interface ExportOptions {
  /** Name of the image in the layout's index; none when absent. */
  readonly ref?: string
  readonly form: LayerForm
  readonly ahead?: Ahead
  readonly passed?: (bytes: number) => void
}

export type ExportFailure = ImageNotFound | ImageInvalid | StoreFailure

/** Makes the layout and gives its directory. */
export const exportLayout = Effect.fn("exportLayout")(function* (
  imageId: string,
  options: ExportOptions,
): Effect.fn.Return<string, ExportFailure, ImageStore | Scope.Scope> {
  const store = yield* ImageStore
  const area = yield* store.area
  const directory = join(area, "layout")
  const blob = (digest: string) => join(directory, "blobs", "sha256", hexOf(digest))
  yield* makeDirectory(join(directory, "blobs", "sha256"))

  // after this the image may be removed: everything has a second name here
  const { image, unpacked } = yield* store.locked(
    Effect.gen(function* () {
      const present = yield* store.get(imageId)
      const virtual = new Map(
        store.virtualLayers(present).map((layer) => [layer.digest, join(area, hexOf(layer.digest))]),
      )
      for (const [digest, link] of virtual) yield* linkTree(store.layerPath(digest), link)
      const digests = new Set([
        present.manifestDigest,
        `sha256:${present.id}`,
        ...present.layers.map((layer) => layer.digest),
      ])
      for (const digest of digests) {
        if (!virtual.has(digest))
          yield* attemptSync("link", blob(digest), () => fs.linkSync(store.blobPath(digest), blob(digest)))
      }
      return { image: present, unpacked: virtual }
    }),
  )
  const descriptor = yield* formLayers(image, options.form, {
    blob,
    half: join(area, "half"),
    unpacked,
    ahead: options.ahead,
    passed: options.passed ?? (() => undefined),
  })
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
