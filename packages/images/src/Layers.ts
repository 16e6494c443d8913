/**
 * Layers of checkpoint images, unpacked: a directory that CRIU reads, and the archive that it is the view of.
 *
 * The archive of a directory is deterministic (`planDirectory`), so the digest taken when a checkpoint was made is the
 * digest of the bytes produced when it leaves (`LayerForms`). What a member may be called is the caller's rule; nothing
 * here knows what a checkpoint is made of.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { decompressed, passing, unpack, type UnpackRules } from "@cryopod/archive"
import type { ArchiveInvalid, ImageNotFound, MemberUnsafe } from "@cryopod/entities"
import { ImageInvalid } from "@cryopod/entities"
import { fileBlocks, holdLock, Layout, makeDirectory, publishTree } from "@cryopod/host"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { hexOf } from "./ImageRecord.ts"
import { ImageStore, type StoreFailure } from "./ImageStore.ts"
import type { StoredLayer } from "./ImageTables.ts"

export type LayerFailure = ImageNotFound | ImageInvalid | MemberUnsafe | ArchiveInvalid | StoreFailure

export interface LayersShape {
  /**
   * The unpacked content of an image's only layer, to be read and never written. Unpacked at first use when the image
   * came from outside, then kept as long as the image; both digests are verified before it gets its place.
   */
  readonly unpacked: (imageId: string, rules: UnpackRules) => Effect.Effect<string, LayerFailure>
}

export class Layers extends Context.Service<Layers, LayersShape>()("@cryopod/images/Layers") {
  static readonly layer = Layer.effect(
    Layers,
    Effect.suspend(() => make()),
  )
}

const make = Effect.fnUntraced(function* () {
  const layout = yield* Layout
  const store = yield* ImageStore

  const unpackBlob = Effect.fnUntraced(function* (ref: string, layer: StoredLayer, target: string, rules: UnpackRules) {
    const compressed = passing(fileBlocks(store.blobPath(layer.digest)))
    const content = passing(decompressed(compressed.blocks))
    yield* unpack(content.blocks, target, rules)
    if (compressed.measured().digest !== layer.digest)
      return yield* new ImageInvalid({ ref, problem: `layer blob ${layer.digest} is damaged` })
    if (content.measured().digest !== layer.diffId)
      return yield* new ImageInvalid({ ref, problem: `layer content is not ${layer.diffId}` })
  })

  return Layers.of({
    unpacked: Effect.fn("Layers.unpacked")(function* (imageId: string, rules: UnpackRules) {
      const image = yield* store.get(imageId)
      const [layer, ...others] = image.layers
      if (layer === undefined || others.length > 0) {
        return yield* new ImageInvalid({
          ref: imageId,
          problem: `a checkpoint has one layer, this image ${image.layers.length}`,
        })
      }
      const path = store.layerPath(layer.diffId)
      if (fs.existsSync(path)) return path
      return yield* Effect.scoped(
        Effect.gen(function* () {
          // one of several commands unpacks, the others wait for it
          yield* holdLock(join(layout.locks, `layer-${hexOf(layer.diffId)}`))
          if (fs.existsSync(path)) return path
          const target = join(yield* store.area, "layer")
          yield* makeDirectory(target)
          yield* unpackBlob(imageId, layer, target, rules)
          yield* store.locked(
            Effect.andThen(store.get(imageId), fs.existsSync(path) ? Effect.void : publishTree(target, path)),
          )
          return path
        }),
      )
    }),
  })
})
