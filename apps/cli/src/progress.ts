/**
 * Work that takes longer than a second says so on a terminal, on one line that is gone when the work is done: how far it has
 * come, how fast, and how long it will take, as far as its engine tells. In a pipe there is nothing to see.
 *
 * Work that is interrupted says so, terminal or not.
 */
import { Progress, type ProgressListener, type ProgressStep } from "@cryopod/entities"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { bytesSize } from "./kit/index.ts"
import { writeError } from "./output.ts"

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
const clearLine = "\r\u001B[K"

/** What a step is called behind the name of the command. */
const stepNames = {
  dump: "memory",
  digest: "digest",
  export: "writing",
  import: "reading",
  push: "sending",
  pull: "fetching",
} as const satisfies Record<ProgressStep["what"], string>

export const withProgress = <A, E, R>(what: string, work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  shown(what, work).pipe(Effect.onInterrupt(() => writeError("Interrupted: what was not complete has been undone\n")))

const shown = <A, E, R>(what: string, work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  process.stderr.isTTY === true
    ? Effect.gen(function* () {
        const seen: Seen = { reached: 0 }
        const drawing = yield* Effect.forkChild(draw(what, seen))
        return yield* work.pipe(
          Effect.provideService(Progress, listening(seen)),
          Effect.ensuring(Effect.andThen(Fiber.interrupt(drawing), Effect.void)),
        )
      })
    : work

interface Seen {
  step?: ProgressStep
  /** When the step was seen first, by the drawing clock. */
  beganMillis?: number | undefined
  reached: number
}

const listening = (seen: Seen): ProgressListener => ({
  step: (step) => {
    const goesOn = seen.step?.what === step.what && seen.step.totalBytes === undefined
    seen.step = step
    if (goesOn) return
    seen.reached = 0
    seen.beganMillis = undefined
  },
  reached: (bytes) => {
    seen.reached = bytes
  },
})

const draw = (what: string, seen: Seen): Effect.Effect<void> =>
  Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis
    for (let tick = 0; ; tick++) {
      yield* Effect.sleep("100 millis")
      const now = yield* Clock.currentTimeMillis
      if (seen.step !== undefined) seen.beganMillis ??= now
      if (now - began < 1000) continue
      const far = farText(seen, now)
      const seconds = `${Math.floor((now - began) / 1000)} s`
      yield* writeError(
        `${clearLine}${frames[tick % frames.length] ?? ""} ${what}… ${seconds}${far === "" ? "" : `: ${far}`}`,
      )
    }
  }).pipe(Effect.onInterrupt(() => writeError(clearLine)))

/** `memory 120MiB of 512MiB, 85MiB/s, 5 s left`; what is not known is not said. */
export const farText = ({ beganMillis, reached, step }: Seen, now: number): string => {
  if (step === undefined || reached === 0) return ""
  const seconds = (now - (beganMillis ?? now)) / 1000
  const rate = seconds > 0 ? reached / seconds : 0
  const { totalBytes = 0 } = step
  // a total that was guessed may turn out too small
  const known = totalBytes >= reached
  return [
    `${stepNames[step.what]} ${bytesSize(reached)}${known ? ` of ${bytesSize(totalBytes)}` : ""}`,
    ...(rate > 0 ? [`${bytesSize(Math.round(rate))}/s`] : []),
    ...(rate > 0 && known ? [`${Math.ceil((totalBytes - reached) / rate)} s left`] : []),
  ].join(", ")
}
