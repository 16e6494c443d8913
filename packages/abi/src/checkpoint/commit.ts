/**
 * Make the checkpoint final: hand its members to the sink, or leave it as it lies in the bundle.
 *
 * Descriptions are synced before the stop of the container counts; the memory pages are not waited for, as a running
 * container's memory would not have survived a power cut either.
 */
import type { CriuUnfit, HostFailure, ImageInvalid } from "@cryopod/entities"
import { syncDirectory } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { AllServices } from "../EngineServices.ts"
import type { Collected } from "./collect.ts"
import { commitArchive } from "./commitArchive.ts"
import { commitImage } from "./commitImage.ts"
import { imagesOf } from "./dump.ts"
import type { Plan } from "./preflight.ts"

export const commit = Effect.fn("checkpoint.commit")(function* (
  plan: Plan,
  members: Collected,
): Effect.fn.Return<void, HostFailure | ImageInvalid | CriuUnfit, AllServices | Scope.Scope> {
  const { options: needs, paths, record, sink } = plan
  switch (sink._tag) {
    case "Container":
      yield* syncDirectory(imagesOf(plan))
      return yield* syncDirectory(paths.userdata)
    case "Image":
      return yield* commitImage({ record, sink, members, needs })
    case "Archive":
      return yield* commitArchive(sink, { members, needs })
  }
})
