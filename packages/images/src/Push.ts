/** Images to elsewhere: any transport of skopeo. */
import type { ReferenceInvalid } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { type ExportFailure, exportLayout } from "./ExportLayout.ts"
import type { ImageStore } from "./ImageStore.ts"
import type { Layers } from "./Layers.ts"
import { parsePlace } from "./Reference.ts"
import { type CopyFailure, type RegistryAccess, Transport } from "./Transport.ts"

export interface PushOptions {
  readonly access: RegistryAccess
  /** For layers that are not compressed; the destination's own choice (gzip for a registry) when absent. */
  readonly compressionFormat?: "gzip" | "zstd"
}

export type PushFailure = ReferenceInvalid | ExportFailure | CopyFailure

/** Copy an image out. Compressed layers go as they are; a registry gets none uncompressed. */
export const pushImage = Effect.fn("pushImage")(function* (
  imageId: string,
  destination: string,
  options: PushOptions,
): Effect.fn.Return<void, PushFailure, ImageStore | Layers | Transport> {
  const to = yield* Effect.fromResult(parsePlace(destination))
  const form = to._tag === "Path" && to.transport === "docker-archive" ? "plain" : "kept"
  yield* Effect.scoped(
    Effect.gen(function* () {
      const directory = yield* exportLayout(imageId, { form })
      yield* (yield* Transport).copy({
        operation: "push",
        ref: destination,
        from: { _tag: "Path", transport: "oci", path: directory },
        to,
        access: options.access,
        preserveDigests: false,
        ...(options.compressionFormat === undefined ? {} : { compressionFormat: options.compressionFormat }),
      })
    }),
  )
})
