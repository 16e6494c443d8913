/** Signals that end a service: the first ends it well, a second one at once. */
import * as Effect from "effect/Effect"

const signals = ["SIGTERM", "SIGINT"] as const

/** Exit status of a program that a second signal has ended (shells: 128 and the signal). */
const impatient = 143

export const signalled: Effect.Effect<void> = Effect.callback<void>((resume) => {
  for (const name of signals) {
    // the program's own listeners would interrupt the command, which is a failure of it
    process.removeAllListeners(name)
    process.once(name, () => {
      process.once(name, () => process.exit(impatient))
      resume(Effect.void)
    })
  }
})
