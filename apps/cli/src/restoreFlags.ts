/** Options of a restore, as a command line has them. */
import { readFileSync } from "node:fs"
import { optionValues, RestoreFlags, restorePolicies, StorageFailed } from "@cryopod/entities"
import * as Effect from "effect/Effect"

/** Every option at its default. */
export const restoreDefaults = optionValues(RestoreFlags)

/** A policy that is no name and no document is a file with one. */
export const withPolicyDocument = (flags: RestoreFlags) =>
  flags.policy === "" || flags.policy in restorePolicies || flags.policy.trimStart().startsWith("{")
    ? Effect.succeed(flags)
    : Effect.map(
        Effect.try({
          try: () => readFileSync(flags.policy, "utf8"),
          catch: (cause) => new StorageFailed({ operation: "read policy", path: flags.policy, code: codeOf(cause) }),
        }),
        (policy): RestoreFlags => ({ ...flags, policy }),
      )

const codeOf = (cause: unknown) => (cause as NodeJS.ErrnoException).code ?? "EIO"
