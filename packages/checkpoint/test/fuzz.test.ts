import { expect, it } from "vitest"
import { fuzzArchives } from "./fuzz.ts"

it("archives by chance end whole or in a failure of their own, and touch nothing else", async () => {
  const { accepted, complaints, runs } = await fuzzArchives({ seconds: 3, runs: 300, seed: 1 })
  expect(complaints).toEqual([])
  expect(runs).toBeGreaterThan(20)
  // not everything is refused, or nothing would be shown
  expect(accepted).toBeGreaterThan(0)
}, 60_000)
