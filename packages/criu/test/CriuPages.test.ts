import { expect, it } from "vitest"
import { pagesNumber } from "../src/index.ts"

it.each([
  ["pages-2.img", 2],
  ["pages-0.img", undefined],
  ["pagemap-2.img", undefined],
  ["pages-2.img.part", undefined],
])("%s is the file of pages number %s", (name, number) => expect(pagesNumber(name)).toBe(number))
