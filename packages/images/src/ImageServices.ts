/** All services of this package, over one root. */
import type { Database, Layout, Tools } from "@cryopod/host"
import * as Layer from "effect/Layer"
import { ImageStore } from "./ImageStore.ts"
import type { ImageUse } from "./ImageUse.ts"
import { Layers } from "./Layers.ts"
import { RootFilesystems } from "./RootFilesystems.ts"
import { Transport } from "./Transport.ts"

/** Needs `imageTables` and `pendingTables` in the database. */
export const imageServices: Layer.Layer<
  ImageStore | Layers | RootFilesystems | Transport,
  never,
  Layout | Database | Tools | ImageUse
> = Layer.mergeAll(RootFilesystems.layer, Transport.layer).pipe(
  Layer.provideMerge(Layers.layer),
  Layer.provideMerge(ImageStore.layer),
)
