/** Why a step or its rescue did not get to its end, in the failure's own words. */
import * as Cause from "effect/Cause"
import * as Result from "effect/Result"

export const reasonOf = (cause: Cause.Cause<{ readonly message: string }>): string => {
  const failure = Result.getOrUndefined(Cause.findError(cause))
  return failure?.message ?? (Cause.hasInterrupts(cause) ? "interrupted" : Cause.pretty(cause))
}
