import { expect, it } from "vitest"
import { keyValues } from "../../src/index.ts"

it("reads labels with and without a value, the last word counting", () => {
  expect(keyValues(["a=b", "c", "d=e=f", "a=g"])).toEqual({ a: "g", c: "", d: "e=f" })
})
