/**
 * Make the checkpoint final: as an image of the store, or as it lies in the bundle.
 *
 * Descriptions are synced before the stop of the container counts; the memory pages are not waited for, as a running
 * container's memory would not have survived a power cut either.
 */
import { checkpointAnnotations } from "@cryopod/checkpoint"
import type { CriuUnfit, HostFailure, ImageInvalid } from "@cryopod/entities"
import { syncDirectory } from "@cryopod/host"
import { createCheckpointImage } from "@cryopod/images"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { type AllServices, EngineDefaults } from "../EngineServices.ts"
import { checkpointFacts } from "../system/HostFacts.ts"
import type { Collected } from "./collect.ts"
import type { Plan } from "./preflight.ts"

/** Id of the image that was made, if one was wanted. */
export const commit = Effect.fn("checkpoint.commit")(function* (
  { image, paths, record }: Plan,
  members: Collected,
): Effect.fn.Return<string | undefined, HostFailure | ImageInvalid | CriuUnfit, AllServices> {
  if (image === undefined || members === undefined) {
    yield* syncDirectory(paths.checkpoint)
    yield* syncDirectory(paths.userdata)
    return undefined
  }
  const facts = yield* checkpointFacts(record.config.runtime)
  const { engineName, engineVersion } = yield* EngineDefaults
  const made = yield* createCheckpointImage({
    stagedDirectory: members,
    name: image.name,
    architecture: facts.architecture,
    created: yield* DateTime.now,
    annotations: checkpointAnnotations({
      name: record.name,
      rawImageName: record.config.rawImageName,
      rootfsImageId: record.config.imageId,
      rootfsImageName: record.config.imageName,
      engineName,
      engineVersion,
      criuVersion: facts.criuVersion,
      runtimeName: facts.runtimeName,
      runtimeVersion: facts.runtimeVersion,
      conmonVersion: facts.conmonVersion,
      hostArchitecture: facts.architecture,
      hostKernel: facts.kernelRelease,
      cgroupVersion: facts.cgroupVersion,
      distributionName: facts.distribution.name,
      distributionVersion: facts.distribution.version,
    }),
  })
  return made.imageId
})
