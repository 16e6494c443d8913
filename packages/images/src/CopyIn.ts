/** One image through skopeo into the store. */
import * as fs from "node:fs"
import { join } from "node:path"
import { type Place, TransportFailed } from "@cryopod/entities"
import { attemptSync, makeDirectory } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { hexOf } from "./ImageRecord.ts"
import { ImageStore } from "./ImageStore.ts"
import { layoutImages, takeImageIn } from "./LayoutIntake.ts"
import { type RegistryAccess, Transport } from "./Transport.ts"

/** Let skopeo copy one image into a layout of ours, and take it from there. */
export const copyIn = Effect.fnUntraced(function* (
  from: Place,
  options: {
    readonly operation: "pull" | "load"
    readonly ref: string
    readonly access?: RegistryAccess
    readonly names: ReadonlyArray<string>
    /** `false` where the place keeps layers otherwise than its documents say. */
    readonly preserveDigests?: false
  },
) {
  const store = yield* ImageStore
  const directory = join(yield* store.area, "layout")
  yield* offerKnownBlobs(directory)
  yield* (yield* Transport).copy({
    operation: options.operation,
    ref: options.ref,
    from,
    to: { _tag: "Path", transport: "oci", path: directory },
    preserveDigests: options.preserveDigests ?? true,
    ...(options.access === undefined ? {} : { access: options.access }),
  })
  const layout = { directory, ref: options.ref, files: "taken" } as const
  const [descriptor] = yield* layoutImages(layout)
  if (descriptor === undefined) {
    return yield* new TransportFailed({ operation: options.operation, ref: options.ref, detail: "nothing was copied" })
  }
  return yield* takeImageIn(layout, descriptor, options.names)
})

/** skopeo passes over what it finds in the layout already. */
const offerKnownBlobs = Effect.fnUntraced(function* (directory: string) {
  const store = yield* ImageStore
  const blobs = join(directory, "blobs", "sha256")
  yield* makeDirectory(blobs)
  yield* store.locked(
    attemptSync("link", blobs, () => {
      for (const digest of store.blobDigests()) fs.linkSync(store.blobPath(digest), join(blobs, hexOf(digest)))
    }),
  )
})
