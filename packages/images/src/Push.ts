/** Images to elsewhere: any transport of skopeo. */
import { parsePlace, type Place, type ReferenceInvalid } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import type { BlockCompression } from "@cryopod/archive"
import { type ExportFailure, exportLayout } from "./ExportLayout.ts"
import { ImageStore } from "./ImageStore.ts"
import type { StoredImage } from "./ImageTables.ts"
import { type LayerForm, ociForm } from "./LayerForms.ts"
import { type CopyFailure, type RegistryAccess, Transport } from "./Transport.ts"

export interface PushOptions {
  readonly access: RegistryAccess
  /** For layers that are not compressed. By default a registry gets them with gzip, any other place as they are. */
  readonly compressionFormat?: BlockCompression
}

export type PushFailure = ReferenceInvalid | ExportFailure | CopyFailure

/** Copy an image out. Layers that are compressed go as they are. */
export const pushImage = Effect.fn("pushImage")(function* (
  imageId: string,
  destination: string,
  options: PushOptions,
): Effect.fn.Return<void, PushFailure, ImageStore | Transport> {
  const to = yield* Effect.fromResult(parsePlace(destination))
  yield* Effect.scoped(
    Effect.gen(function* () {
      const image = yield* (yield* ImageStore).get(imageId)
      const directory = yield* exportLayout(imageId, { form: formFor(image, to, options.compressionFormat) })
      yield* (yield* Transport).copy({
        operation: "push",
        ref: destination,
        from: { _tag: "Path", transport: "oci", path: directory },
        to,
        access: options.access,
        preserveDigests: false,
      })
    }),
  )
})

const formFor = (image: StoredImage, to: Place, wanted: BlockCompression | undefined): LayerForm => {
  // Docker and this host's other stores keep layers in ways of their own
  if (to._tag === "Other" || (to._tag === "Path" && to.transport === "docker-archive")) return "plain"
  if (wanted !== undefined) return wanted
  if (to._tag === "Registry") return "gzip"
  return to.transport === "dir" ? "kept" : ociForm(image)
}
