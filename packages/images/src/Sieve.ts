/** Lines of a program's output that may turn out to be its last words: held back until something else follows. */
import * as Effect from "effect/Effect"

export interface Sieve {
  readonly take: (content: Uint8Array) => Effect.Effect<void>
  /** The lines that are held back when the program has ended; a line without an end is passed on. */
  readonly rest: Effect.Effect<ReadonlyArray<string>>
}

/** A line of more bytes is nobody's last word. */
const longestLine = 1 << 16
/** Nobody has more last words. */
const mostLines = 8
const lineEnd = 10

export const sieve = (holds: (line: string) => boolean, pass: (content: Uint8Array) => Effect.Effect<void>): Sieve => {
  let open: Buffer = Buffer.alloc(0)
  let held: Array<Buffer> = []
  return {
    take: (content) =>
      Effect.suspend(() => {
        const passed: Array<Buffer> = []
        const passOn = (line: Buffer) => {
          passed.push(...held, line)
          held = []
        }
        const text = Buffer.concat([open, content])
        let from = 0
        for (let end = text.indexOf(lineEnd); end >= 0; end = text.indexOf(lineEnd, from)) {
          const line = text.subarray(from, end + 1)
          from = end + 1
          if (!holds(line.toString("utf8").trimEnd())) passOn(line)
          else if (held.push(line) > mostLines) passed.push(...held.splice(0, 1))
        }
        open = text.subarray(from)
        if (open.length > longestLine) {
          passOn(open)
          open = Buffer.alloc(0)
        }
        return passed.length === 0 ? Effect.void : pass(Buffer.concat(passed))
      }),
    rest: Effect.suspend(() =>
      Effect.as(
        open.length === 0 ? Effect.void : pass(open),
        held.map((line) => line.toString("utf8").trimEnd()),
      ),
    ),
  }
}
