/** Findings of a look ahead, made of the very steps that would be taken. */
import type { CheckAspect, CheckFinding } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

export const ok = (aspect: CheckAspect, found: string): CheckFinding => ({
  aspect,
  status: "ok",
  found,
  problem: "",
  remedy: "",
})

export const no = (aspect: CheckAspect, problem: string, remedy: string): CheckFinding => ({
  aspect,
  status: "no",
  found: "",
  problem,
  remedy,
})

/** What a step would fail with is what stands in the way. */
export const asFinding = <A, E extends { readonly message: string }, R>(
  aspect: CheckAspect,
  step: Effect.Effect<A, E, R>,
  words: { readonly found: (value: A) => string; readonly remedy: string },
): Effect.Effect<CheckFinding, never, R> =>
  Effect.map(
    Effect.result(step),
    Result.match({
      onFailure: ({ message }) => no(aspect, message, words.remedy),
      onSuccess: (value) => ok(aspect, words.found(value)),
    }),
  )
