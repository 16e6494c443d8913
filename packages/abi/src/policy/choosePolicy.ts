/** The policy that a checkpoint is held against: the caller's, or what this host says of where the checkpoint comes from. */
import * as fs from "node:fs"
import { PolicyFileInvalid, type RestoreOptions, type RestorePolicyChoice, type StorageFailed } from "@cryopod/entities"
import { attemptSync } from "@cryopod/host"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { EngineDefaults } from "../EngineServices.ts"
import type { OpenedCheckpoint } from "../restore/open.ts"
import { noSourcePolicies, parseSourcePolicies, sourcePolicy } from "./SourcePolicies.ts"

/** Options of a restore whose policy is known. */
export interface HeldRestore extends RestoreOptions {
  readonly policy: RestorePolicyChoice
  /** The entry of this host's file that it is from. */
  readonly policyEntry?: string
}

/** What was made here is held against nothing, so the file is not asked about it. */
export const choosePolicy = Effect.fn("restore.choosePolicy")(function* (
  { from, origin }: Pick<OpenedCheckpoint, "from" | "origin">,
  options: RestoreOptions,
): Effect.fn.Return<HeldRestore, PolicyFileInvalid | StorageFailed, EngineDefaults> {
  const { policy: given } = options
  if (given !== undefined) return { ...options, policy: given }
  const policies = origin === "here" ? noSourcePolicies : yield* hostPolicies
  const { entry, policy } = sourcePolicy(policies, from)
  return { ...options, policy, ...(entry === undefined ? {} : { policyEntry: entry }) }
})

/** Read for every restore: it is a file that a human edits. A host need not have it, unless somebody has named it. */
const hostPolicies = Effect.gen(function* () {
  const { policyFile: path, policyFileGiven } = yield* EngineDefaults
  const text = yield* attemptSync("read policy", path, () => fs.readFileSync(path, "utf8")).pipe(
    Effect.catchIf(
      ({ code }) => code === "ENOENT" && !policyFileGiven,
      () => Effect.succeed(undefined),
    ),
  )
  if (text === undefined) return noSourcePolicies
  const read = Result.mapError(parseSourcePolicies(text), (problem) => new PolicyFileInvalid({ path, problem }))
  return yield* Effect.fromResult(read)
})
