/** Images to elsewhere: any transport of skopeo. */
import { parsePlace, type Place, type ReferenceInvalid } from "@cryopod/entities"
import { measured } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type { BlockCompression, Measured } from "@cryopod/archive"
import { type ExportFailure, exportLayout } from "./ExportLayout.ts"
import { ImageStore } from "./ImageStore.ts"
import type { StoredImage } from "./ImageTables.ts"
import type { Ahead } from "./LayerBlobs.ts"
import { type LayerForm, ociForm } from "./LayerForms.ts"
import { type CopyFailure, type RegistryAccess, Transport } from "./Transport.ts"

export interface PushOptions {
  readonly access: RegistryAccess
  /** For layers that are not compressed. By default a registry gets them with gzip, any other place as they are. */
  readonly compressionFormat?: BlockCompression
}

export type PushFailure = ReferenceInvalid | ExportFailure | CopyFailure

/**
 * Copy an image out. Layers that are compressed go as they are; those that are not go to a registry while they are compressed,
 * and not at all if it has them compressed from an earlier time.
 */
export const pushImage = Effect.fn("pushImage")(function* (
  imageId: string,
  destination: string,
  options: PushOptions,
): Effect.fn.Return<void, PushFailure, ImageStore | Transport> {
  const to = yield* Effect.fromResult(parsePlace(destination))
  const store = yield* ImageStore
  const image = yield* store.get(imageId)
  const form = formFor(image, to, options.compressionFormat)
  const copy = Effect.fnUntraced(function* (ahead: Ahead | undefined) {
    let passedBytes = 0
    const passed = (bytes: number) => void (passedBytes += bytes)
    const layout = yield* measured(exportLayout(imageId, { form, passed, ...(ahead && { ahead }) }), {
      step: () => ({ what: "push", totalBytes: image.layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }),
      reached: () => passedBytes,
    })
    yield* (yield* Transport).copy({
      operation: "push",
      ref: destination,
      from: { _tag: "Path", transport: "oci", path: layout },
      to,
      access: options.access,
      preserveDigests: false,
    })
  }, Effect.scoped)
  if (to._tag !== "Registry" || (form !== "gzip" && form !== "zstd")) return yield* copy(undefined)

  const made = new Map<string, Measured>()
  const there = new Set<string>()
  const known = yield* store.compressedLayers(imageId, form)
  // what only a push needs is loaded for a push
  const { uploadAhead } = yield* Effect.promise(() => import("./registry/uploadAhead.ts"))
  const uploads = yield* uploadAhead(to.name, options.access)
  yield* copy({ uploads, known, made, there }).pipe(
    // a layer that was there, and so is in no file, may have gone
    Effect.catchTag("TransportFailed", (failure) => (there.size === 0 ? Effect.fail(failure) : copy(undefined))),
  )
  yield* store.rememberCompressed(imageId, form, made)
})

const formFor = (image: StoredImage, to: Place, wanted: BlockCompression | undefined): LayerForm => {
  // Docker and this host's other stores keep layers in ways of their own
  if (to._tag === "Other" || (to._tag === "Path" && to.transport === "docker-archive")) return "plain"
  if (wanted !== undefined) return wanted
  if (to._tag === "Registry") return "gzip"
  return to.transport === "dir" ? "kept" : ociForm(image)
}
