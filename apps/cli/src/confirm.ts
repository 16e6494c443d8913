/** Ask on standard input before something that cannot be undone. */
import { createInterface } from "node:readline"
import * as Effect from "effect/Effect"
import { Problem, writeOut } from "./output.ts"

/** True for an answer that begins with y. Nobody to answer is a failure, as it is with Podman. */
export const confirmed = (question: string): Effect.Effect<boolean, Problem> =>
  Effect.andThen(
    writeOut(question),
    Effect.flatMap(firstLine, (line) =>
      line === undefined ? Effect.fail(new Problem({ text: "EOF" })) : Effect.succeed(/^y/i.test(line)),
    ),
  )

const firstLine = Effect.callback<string | undefined>((resume) => {
  const lines = createInterface({ input: process.stdin })
  lines.once("line", (line) => {
    resume(Effect.succeed(line))
    lines.close()
  })
  lines.once("close", () => resume(Effect.succeed(undefined)))
  return Effect.sync(() => lines.close())
})
