/** Work of another program, whose progress is looked at from outside now and then. */
import { Progress, type ProgressStep } from "@cryopod/entities"
import * as Effect from "effect/Effect"

const lookMillis = 200

/** `reached` is only called while somebody listens, and what it throws means that there is nothing to see yet. */
export const measured = <A, E, R>(
  work: Effect.Effect<A, E, R>,
  { reached, step }: { readonly step: () => ProgressStep; readonly reached: () => number },
): Effect.Effect<A, E, R> =>
  Effect.flatMap(Progress, (listener) => {
    if (listener === undefined) return work
    const look = () => {
      try {
        listener.reached(reached())
      } catch {
        // the program has not begun, or has just ended
      }
    }
    return Effect.acquireUseRelease(
      Effect.sync(() => {
        listener.step(step())
        return setInterval(look, lookMillis)
      }),
      () => work,
      (timer) => Effect.sync(() => clearInterval(timer)),
    )
  })
