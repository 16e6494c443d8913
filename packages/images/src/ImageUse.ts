/** What the engine above has to do with images: containers use them, and some are made here. This package knows neither. */
import type { CriuRestoreOptions, HostFailure } from "@cryopod/entities"
import type { Prepare } from "@cryopod/host"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export interface ImageUseShape {
  /** Ids of the containers made from an image, running or not. */
  readonly usedBy: (imageId: string) => Effect.Effect<ReadonlyArray<string>, HostFailure>
  /** Remove containers with all they have, so that their image can go. */
  readonly removeUsers: (containerIds: ReadonlyArray<string>) => Effect.Effect<void, HostFailure>
  /** Remember a checkpoint image that was made here and what its restore needs; within the transaction that records it. */
  readonly made: (prepare: Prepare, imageId: string, needs: CriuRestoreOptions) => void
}

export class ImageUse extends Context.Service<ImageUse, ImageUseShape>()("@cryopod/images/ImageUse") {
  /** A host without containers. */
  static readonly layerNone = Layer.succeed(ImageUse, {
    usedBy: () => Effect.succeed([]),
    removeUsers: () => Effect.void,
    made: () => undefined,
  })
}
