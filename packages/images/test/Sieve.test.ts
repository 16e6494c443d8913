import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { sieve } from "../src/Sieve.ts"

const through = (...pieces: ReadonlyArray<string>) => {
  const passed: Array<string> = []
  const { rest, take } = sieve(
    (line) => line.startsWith("!"),
    (content) => Effect.sync(() => void passed.push(Buffer.from(content).toString())),
  )
  for (const piece of pieces) Effect.runSync(take(Buffer.from(piece)))
  return { held: Effect.runSync(rest), passed: passed.join("") }
}

describe("lines that may be the last words", () => {
  it.each<[string, ReadonlyArray<string>, ReadonlyArray<string>, string]>([
    ["are held back at the end", ["one\n!two\n!three\n"], ["!two", "!three"], "one\n"],
    ["are passed on when something follows", ["!one\n", "two\n"], [], "!one\ntwo\n"],
    ["come in pieces", ["o", "ne\n!t", "wo\n"], ["!two"], "one\n"],
    ["have an end: what has none is passed on", ["one\n!two"], [], "one\n!two"],
    ["are not more than somebody would say", ["!\n".repeat(10)], Array(8).fill("!"), "!\n!\n"],
    ["are not longer than somebody would say", ["!", "x".repeat(70_000)], [], `!${"x".repeat(70_000)}`],
  ])("%s", (_, pieces, held, passed) => {
    expect(through(...pieces)).toEqual({ held, passed })
  })
})
