/** Who uses an image: containers, which this package does not know. The engine that knows them provides this. */
import type { HostFailure } from "@cryopod/entities"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export interface ImageUseShape {
  /** Ids of the containers made from an image, running or not. */
  readonly usedBy: (imageId: string) => Effect.Effect<ReadonlyArray<string>, HostFailure>
  /** Remove containers with all they have, so that their image can go. */
  readonly removeUsers: (containerIds: ReadonlyArray<string>) => Effect.Effect<void, HostFailure>
}

export class ImageUse extends Context.Service<ImageUse, ImageUseShape>()("@cryopod/images/ImageUse") {
  /** A host without containers. */
  static readonly layerNone = Layer.succeed(ImageUse, {
    usedBy: () => Effect.succeed([]),
    removeUsers: () => Effect.void,
  })
}
