/** A checkpoint becomes an image of the store: its files get second names in a layer, and are read once for its digest. */
import { join } from "node:path"
import {
  checkpointAnnotations,
  type CriuRestoreOptions,
  type CriuUnfit,
  type HostFailure,
  type ImageInvalid,
} from "@cryopod/entities"
import { linkTree, makeDirectory } from "@cryopod/host"
import { createCheckpointImage } from "@cryopod/images"
import type { ContainerRecord } from "@cryopod/runtime"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { type AllServices, EngineDefaults } from "../EngineServices.ts"
import { recordMade } from "../policy/Origins.ts"
import { checkpointFacts } from "../system/HostFacts.ts"
import type { Collected } from "./collect.ts"
import type { Ahead } from "./hashAhead.ts"
import type { Sink } from "./sink.ts"

/** Id of the image. */
export const commitImage = Effect.fn("checkpoint.commitImage")(function* ({
  ahead,
  members,
  needs,
  record,
  sink: { area, name },
}: {
  readonly record: ContainerRecord
  readonly sink: Extract<Sink, { readonly _tag: "Image" }>
  readonly members: Collected
  readonly ahead: Ahead
  /** What its restore needs. */
  readonly needs: CriuRestoreOptions
}): Effect.fn.Return<string, HostFailure | ImageInvalid | CriuUnfit, AllServices> {
  const facts = yield* checkpointFacts(record.config.runtime)
  const { engineName, engineVersion } = yield* EngineDefaults
  const staged = join(area, "members")
  yield* makeDirectory(staged)
  for (const member of members) {
    if ("open" in member) return yield* Effect.die(`${member.name} is no file`)
    yield* linkTree(member.path, join(staged, member.name))
  }
  const made = yield* createCheckpointImage({
    stagedDirectory: staged,
    ahead: yield* ahead.digest,
    name,
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
  yield* recordMade(made.imageId, needs)
  return made.imageId
})
