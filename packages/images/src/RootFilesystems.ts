/**
 * Root filesystems: images unpacked by umoci, the lower directories of containers.
 *
 * One tree per image in ROOT/rootfs, made at first use, never written to, kept as long as the image.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import type { ToolFailed, ToolMissing } from "@cryopod/entities"
import { holdLock, Layout, publishTree, runOk, Tools } from "@cryopod/host"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type ExportFailure, exportLayout } from "./ExportLayout.ts"
import { ImageStore } from "./ImageStore.ts"

export type RootFilesystemFailure = ExportFailure | ToolMissing | ToolFailed

export interface RootFilesystemsShape {
  /**
   * The root filesystem of an image, unpacked if it was not yet; several callers at once unpack it once. Its owner
   * must see to it that the image is not removed meanwhile (`ImageStore.locked`, `ImageUse`).
   */
  readonly unpacked: (imageId: string) => Effect.Effect<string, RootFilesystemFailure>
}

export class RootFilesystems extends Context.Service<RootFilesystems, RootFilesystemsShape>()(
  "@cryopod/images/RootFilesystems",
) {
  static readonly layer = Layer.effect(
    RootFilesystems,
    Effect.suspend(() => make()),
  )
}

const make = Effect.fnUntraced(function* () {
  const layout = yield* Layout
  const tools = yield* Tools
  const store = yield* ImageStore

  const unpack = Effect.fnUntraced(function* (imageId: string, path: string) {
    const source = yield* exportLayout(imageId, { ref: "image", form: "plain" })
    const target = join(yield* store.area, "rootfs")
    yield* runOk(yield* tools.path("umoci"), ["raw", "unpack", "--image", `${source}:image`, target])
    yield* store.locked(Effect.andThen(store.get(imageId), publishTree(target, path)))
  })

  return RootFilesystems.of({
    unpacked: Effect.fn("RootFilesystems.unpacked")(function* (imageId: string) {
      const image = yield* store.get(imageId)
      const path = join(layout.rootfs, image.id)
      if (fs.existsSync(path)) return path
      const work = Effect.gen(function* () {
        // one of several commands unpacks, the others wait for it
        yield* holdLock(join(layout.locks, `rootfs-${image.id}`))
        if (!fs.existsSync(path)) yield* unpack(image.id, path)
        return path
      })
      return yield* Effect.scoped(work).pipe(Effect.provideService(ImageStore, store))
    }),
  })
})
