/** Open a checkpoint: its members on disk and complete, its two documents read. */
import * as fs from "node:fs"
import { join } from "node:path"
import {
  checkpointLimits,
  checkpointMembers,
  completeDumpFiles,
  isCheckpointPath,
  type LibpodConfig,
  parseLibpodConfig,
} from "@cryopod/checkpoint"
import {
  CheckpointInvalid,
  type HostFailure,
  type ImageFailure,
  isCheckpointImage,
  NotACheckpoint,
} from "@cryopod/entities"
import { attemptSync } from "@cryopod/host"
import { checkpointLayer, describingAnnotations, type Layers, type StoredImage } from "@cryopod/images"
import type { OciSpec } from "@cryopod/runtime"
import * as Effect from "effect/Effect"

/** A checkpoint that can be restored, as far as can be seen from itself. */
export interface OpenedCheckpoint {
  /** What the caller called it. */
  readonly source: string
  /** Directory of the members; read, never written. */
  readonly members: string
  /** The image that must not go while it is restored; absent when it did not come from one. */
  readonly imageId?: string
  readonly config: LibpodConfig
  readonly spec: OciSpec
  readonly annotations: Readonly<Record<string, string>>
  /** In Go's words; empty when nothing says it. */
  readonly architecture: string
}

export const openImage = Effect.fn("restore.openImage")(function* (
  image: StoredImage,
  source: string,
): Effect.fn.Return<OpenedCheckpoint, NotACheckpoint | CheckpointInvalid | HostFailure | ImageFailure, Layers> {
  const annotations = describingAnnotations(image)
  if (!isCheckpointImage(annotations)) return yield* new NotACheckpoint({ id: image.id })
  const members = yield* checkpointLayer(image.id, { archive: source, accepts: isCheckpointPath, ...checkpointLimits })
  const documents = yield* readMembers(source, members)
  return { source, members, imageId: image.id, ...documents, annotations, architecture: image.architecture }
})

/** Everything that a restore needs is there, and the two documents can be read. */
const readMembers = Effect.fnUntraced(function* (
  source: string,
  members: string,
): Effect.fn.Return<Pick<OpenedCheckpoint, "config" | "spec">, CheckpointInvalid | HostFailure> {
  const needed = [
    ...Object.values(checkpointMembers).flatMap(({ name, required }) => (required ? [name] : [])),
    ...completeDumpFiles.map((file) => join(checkpointMembers.images.name, file)),
  ]
  const missing = needed.find((member) => !fs.existsSync(join(members, member)))
  if (missing !== undefined) return yield* new CheckpointInvalid({ source, member: missing, problem: "is missing" })
  const text = (name: string) =>
    attemptSync("read", join(members, name), () => fs.readFileSync(join(members, name), "utf8"))
  return {
    config: yield* parseLibpodConfig(source, yield* text(checkpointMembers.config.name)),
    spec: yield* parseSpec(source, yield* text(checkpointMembers.spec.name)),
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
