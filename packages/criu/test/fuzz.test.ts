/** `scripts/fuzz images` does the same for as long as one likes. */
import { expect, it } from "vitest"
import { brokenImage, decoders, defectOf, randomNumbers } from "./fuzz.ts"

const inputs = 150

it.each(Object.keys(decoders))("%s gives a value or a typed failure for any bytes", (decoder) => {
  for (let seed = 1; seed <= inputs; seed++) {
    const bytes = brokenImage(decoder, randomNumbers(seed))
    expect({ seed, defect: defectOf(decoder, bytes) }).toEqual({ seed, defect: undefined })
  }
})
