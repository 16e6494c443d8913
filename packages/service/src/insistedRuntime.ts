/** The runtime that a client insists on, by its name. */
import { type RuntimeName, runtimeNamed, type RuntimeUnknown } from "@cryopod/entities"
import * as Effect from "effect/Effect"

export const insistedRuntime = (
  name: string | undefined,
): Effect.Effect<{ readonly runtime?: RuntimeName }, RuntimeUnknown> =>
  name === undefined
    ? Effect.succeed({})
    : Effect.map(Effect.fromResult(runtimeNamed(name)), (runtime) => ({ runtime }))
