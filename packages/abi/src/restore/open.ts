/** Open a checkpoint image: its members on disk, its two documents read and held against each other. */
import * as fs from "node:fs"
import { join } from "node:path"
import {
  checkpointLimits,
  checkpointMembers,
  completeDumpFiles,
  isCheckpointImage,
  isCheckpointPath,
  type LibpodConfig,
  parseLibpodConfig,
} from "@cryopod/checkpoint"
import { CheckpointInvalid, type HostFailure, type ImageFailure, NotACheckpoint } from "@cryopod/entities"
import { attemptSync } from "@cryopod/host"
import { checkpointLayer, describingAnnotations, type Layers, type StoredImage } from "@cryopod/images"
import type { OciSpec } from "@cryopod/runtime"
import * as Effect from "effect/Effect"

export interface OpenedCheckpoint {
  /** What the caller called it. */
  readonly source: string
  /** Directory of the members; read, never written. */
  readonly members: string
  readonly config: LibpodConfig
  readonly spec: OciSpec
  readonly annotations: Readonly<Record<string, string>>
  readonly architecture: string
}

export const openImage = Effect.fn("restore.open")(function* (
  image: StoredImage,
  source: string,
): Effect.fn.Return<OpenedCheckpoint, NotACheckpoint | CheckpointInvalid | HostFailure | ImageFailure, Layers> {
  const annotations = describingAnnotations(image)
  if (!isCheckpointImage(annotations)) return yield* new NotACheckpoint({ id: image.id })
  const members = yield* checkpointLayer(image.id, { archive: source, accepts: isCheckpointPath, ...checkpointLimits })
  for (const member of Object.values(checkpointMembers)) {
    if (member.required && !fs.existsSync(join(members, member.name))) {
      return yield* new CheckpointInvalid({ source, member: member.name, problem: "is missing" })
    }
  }
  for (const file of completeDumpFiles) {
    const member = join(checkpointMembers.images.name, file)
    if (!fs.existsSync(join(members, member)))
      return yield* new CheckpointInvalid({ source, member, problem: "is missing" })
  }
  const text = (name: string) =>
    attemptSync("read", join(members, name), () => fs.readFileSync(join(members, name), "utf8"))
  return {
    source,
    members,
    config: yield* parseLibpodConfig(source, yield* text(checkpointMembers.config.name)),
    spec: yield* parseSpec(source, yield* text(checkpointMembers.spec.name)),
    annotations,
    architecture: image.architecture,
  }
})

/** The parts of a stranger's spec that are used are checked; the runtime checks the rest. */
const parseSpec = (source: string, text: string): Effect.Effect<OciSpec, CheckpointInvalid> => {
  const member = checkpointMembers.spec.name
  const invalid = (problem: string) => new CheckpointInvalid({ source, member, problem })
  return Effect.try({ try: () => JSON.parse(text) as Partial<OciSpec>, catch: () => invalid("is not JSON") }).pipe(
    Effect.filterOrFail(
      (spec): spec is OciSpec =>
        Array.isArray(spec.process?.args) &&
        typeof spec.root?.path === "string" &&
        Array.isArray(spec.mounts) &&
        Array.isArray(spec.linux?.namespaces),
      () => invalid("is no OCI runtime configuration"),
    ),
  )
}
