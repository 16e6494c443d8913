/**
 * A checkpoint becomes an image of the store: its files get second names in a layer, and are read once for its digest.
 *
 * Reading much takes as long as dumping it did, and nobody has to wait for that: a second process begins with it behind
 * this one, and whoever wants the image before it is done waits for it, or does it.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import {
  checkpointAnnotations,
  type CriuRestoreOptions,
  type CriuUnfit,
  type HostFailure,
  type ImageInvalid,
} from "@cryopod/entities"
import { attemptSync, linkTree, makeDirectory, startBehind } from "@cryopod/host"
import { createCheckpointImage, ImageStore } from "@cryopod/images"
import type { ContainerRecord } from "@cryopod/runtime"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type AllServices, EngineDefaults } from "../EngineServices.ts"
import { checkpointFacts } from "../system/HostFacts.ts"
import type { Collected } from "./collect.ts"
import type { Sink } from "./sink.ts"

/** For less, a process of its own is too much. */
const readAtOnceBytes = 8 * 2 ** 20

export const commitImage = Effect.fn("checkpoint.commitImage")(function* ({
  members,
  needs,
  record,
  sink: { area, name },
}: {
  readonly record: ContainerRecord
  readonly sink: Extract<Sink, { readonly _tag: "Image" }>
  readonly members: Collected
  /** What its restore needs. */
  readonly needs: CriuRestoreOptions
}): Effect.fn.Return<void, HostFailure | ImageInvalid | CriuUnfit, AllServices | Scope.Scope> {
  const facts = yield* checkpointFacts(record.config.runtime)
  const { engineName, engineVersion, selfCommand } = yield* EngineDefaults
  const staged = join(area, "members")
  yield* makeDirectory(staged)
  for (const member of members) {
    if ("open" in member) return yield* Effect.die(`${member.name} is no file`)
    yield* linkTree(member.path, join(staged, member.name))
  }
  const annotations = checkpointAnnotations({
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
  })
  const created = DateTime.formatIso(yield* DateTime.now)
  const description = { name, annotations, architecture: facts.architecture, created, needs }
  const length = yield* attemptSync("read", staged, () => lengthOf(staged))
  if (length <= readAtOnceBytes || selfCommand.length === 0) {
    yield* createCheckpointImage(staged, description)
  } else {
    yield* (yield* ImageStore).addPending(staged, description)
    // to look at the images is to make them; when all is done here, so that it takes no time from that
    yield* Effect.addFinalizer(() => startBehind([...selfCommand, "images", "--quiet"]))
  }
})

/** Of all files below a directory. */
const lengthOf = (directory: string): number =>
  fs
    .readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { name, parentPath }) => sum + fs.statSync(join(parentPath, name)).size, 0)
