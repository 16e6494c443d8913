/**
 * Work that takes longer than a second says so on a terminal, on one line that is gone when the work is done. In a
 * pipe there is nothing to see.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { writeError } from "./output.ts"

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
const clearLine = "\r\u001B[K"

export const withProgress = <A, E, R>(what: string, work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  process.stderr.isTTY === true
    ? Effect.gen(function* () {
        const drawing = yield* Effect.forkChild(draw(what))
        return yield* work.pipe(Effect.ensuring(Effect.andThen(Fiber.interrupt(drawing), Effect.void)))
      })
    : work

const draw = (what: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    yield* Effect.sleep("1 second")
    for (let tick = 0; ; tick++) {
      const seconds = 1 + Math.floor(tick / 10)
      yield* writeError(`${clearLine}${frames[tick % frames.length] ?? ""} ${what}… ${seconds} s`)
      yield* Effect.sleep("100 millis")
    }
  }).pipe(Effect.onInterrupt(() => writeError(clearLine)))
