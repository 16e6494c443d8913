/** An opened checkpoint: its members on disk and complete, its two documents read. Where it came from is said elsewhere. */
import * as fs from "node:fs"
import { join } from "node:path"
import {
  checkpointMembers,
  type LibpodConfig,
  memberKinds,
  parentLink,
  parseLibpodConfig,
  requiredPaths,
} from "@cryopod/checkpoint"
import { CheckpointInvalid, type CriuRestoreOptions, type StorageFailed } from "@cryopod/entities"
import { attemptSync } from "@cryopod/host"
import { type OciSpec, parseSpec } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Origin } from "../policy/Origins.ts"
import type { CheckpointOrigin } from "../policy/SourcePolicies.ts"

/** A checkpoint that can be restored, as far as can be seen from itself. */
export interface OpenedCheckpoint {
  /** What the caller called it. */
  readonly source: string
  /** Directory of the members. */
  readonly members: string
  /** `ours`: the members may be moved away. `shared`: they are read and never written. */
  readonly files: "ours" | "shared"
  readonly origin: Origin
  readonly from: CheckpointOrigin
  /** What its restore needs, when it was made here. */
  readonly needs: CriuRestoreOptions
  /** The image that must not go while it is restored; absent when it did not come from one. */
  readonly imageId?: string
  readonly config: LibpodConfig
  readonly spec: OciSpec
  readonly annotations: Readonly<Record<string, string>>
  /** In Go's words; empty when nothing says it. */
  readonly architecture: string
  /** What was left out on the way here. */
  readonly warnings: ReadonlyArray<string>
}

/** Everything that a restore needs is there and of its kind, and the two documents can be read. */
export const readMembers = Effect.fn("restore.readMembers")(function* (
  source: string,
  members: string,
): Effect.fn.Return<Pick<OpenedCheckpoint, "config" | "spec">, CheckpointInvalid | StorageFailed> {
  const problem = yield* attemptSync("look at", members, () => problemOf(members))
  if (problem !== undefined) return yield* new CheckpointInvalid({ source, ...problem })
  const text = (name: string) =>
    attemptSync("read", join(members, name), () => fs.readFileSync(join(members, name), "utf8"))
  const config = yield* parseLibpodConfig(source, yield* text(checkpointMembers.config.name))
  const member = checkpointMembers.spec.name
  const spec = yield* Effect.fromResult(
    Result.mapError(
      parseSpec(yield* text(member)),
      (words) => new CheckpointInvalid({ source, member, problem: words }),
    ),
  )
  return { config, spec }
})

const problemOf = (members: string): Pick<CheckpointInvalid, "member" | "problem"> | undefined => {
  const at = (name: string) => fs.lstatSync(join(members, name), { throwIfNoEntry: false })
  const missing = requiredPaths().find((path) => at(path) === undefined)
  if (missing !== undefined) return { member: missing, problem: "is missing" }
  const otherKind = memberKinds.find(({ kind, name }) => {
    const stat = at(name)
    return stat !== undefined && stat.isDirectory() !== (kind === "directory")
  })
  if (otherKind !== undefined) return { member: otherKind.name, problem: `is no ${otherKind.kind}` }
  return at(parentLink.name) !== undefined && at(checkpointMembers.previousImages.name) === undefined
    ? {
        member: parentLink.name,
        problem: "builds on the memory of a pre-checkpoint, whose archive must be given as well",
      }
    : undefined
}
