import { expect, it } from "vitest"
import { parseMac } from "../../src/values/MacAddress.ts"

it.each([
  ["92:d0:c6:0a:29:38", "92:d0:c6:0a:29:38"],
  ["92-D0-C6-0A-29-38", "92:d0:c6:0a:29:38"],
  ["92d0.c60a.2938", "92:d0:c6:0a:29:38"],
  ["92:d0:c6:0a:29", undefined],
  ["92:d0-c6:0a:29:38", undefined],
  ["92:d0:c6:0a:29:3g", undefined],
  ["foo", undefined],
])("%s is %s", (text, expected) => {
  expect(parseMac(text)).toBe(expected)
})
