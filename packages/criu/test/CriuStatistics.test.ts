import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { dumpStatistics, imageKinds, isImageProblem, restoreStatistics, serviceMagic } from "../src/index.ts"
import { bytesField, concat, hex, u32, varintField } from "./bytes.ts"

/** `stats-dump` of a Podman 5.4.2 checkpoint, runc 1.1.15 and CRIU 4.2.1 on Linux 6.18, 2026-11-24. */
const written = hex(`
  40591055 06330957 24000000 0a2208f6 910610e2 bf0518dd 04208201
  28323000 38224000 48005008 58086000 68007000`)

const file = (message: Uint8Array, magic: number = imageKinds.stats.magic, head = serviceMagic) =>
  concat(u32(head), u32(magic), u32(message.length), message)

const restoreEntry = concat(
  varintField(1, 11n),
  varintField(2, 12n),
  varintField(3, 13n),
  varintField(4, 14n),
  varintField(5, 15n),
)

describe("stats-dump", () => {
  it("reads what CRIU 4.2.1 wrote", () => {
    expect(dumpStatistics(written)).toEqual({
      freezing_time: 100_598,
      frozen_time: 90_082,
      memdump_time: 605,
      memwrite_time: 130,
      pages_scanned: 50,
      pages_written: 34,
    })
  })

  it("reads it from the middle of a larger buffer", () => {
    const within = concat(hex("0000000000"), written)
    expect(dumpStatistics(within.subarray(5)).pages_written).toBe(34)
  })

  it("keeps counters beyond 32 bits", () => {
    const entry = concat(...[1, 2, 3, 4, 6, 7, 9].map((number) => varintField(number, 1n)), varintField(5, 2n ** 40n))
    expect(dumpStatistics(file(bytesField(1, entry))).pages_scanned).toBe(2 ** 40)
  })
})

describe("stats-restore", () => {
  it("reads what CRIU 4.2.1 wrote", () => {
    const restored = hex("4059105506330957 0e000000 120c 0800 1000 1804 20f839 28840e")
    expect(restoreStatistics(restored)).toEqual({
      pages_compared: 0,
      pages_skipped_cow: 0,
      forking_time: 4,
      restore_time: 7416,
      pages_restored: 1796,
    })
  })

  it("reads every field", () => {
    expect(restoreStatistics(file(bytesField(2, restoreEntry)))).toEqual({
      pages_compared: 11,
      pages_skipped_cow: 12,
      forking_time: 13,
      restore_time: 14,
      pages_restored: 15,
    })
  })

  it("takes an absent optional counter for zero", () => {
    const entry = concat(...[1, 2, 3, 4].map((number) => varintField(number, 1n)))
    expect(restoreStatistics(file(bytesField(2, entry))).pages_restored).toBe(0)
  })
})

describe("malformed images", () => {
  it.each([
    ["an empty file", new Uint8Array(), "truncated"],
    ["half a magic number", written.subarray(0, 6), "truncated"],
    ["a file that ends after its magic numbers", written.subarray(0, 8), "empty"],
    ["half a size", written.subarray(0, 10), "truncated"],
    ["an entry cut short", written.subarray(0, -1), "truncated"],
    ["another head magic", file(restoreEntry, imageKinds.stats.magic, 0x54564319), "magic"],
    ["another type magic", file(restoreEntry, imageKinds.core.magic), "magic"],
    ["a size beyond the file", concat(u32(serviceMagic), u32(imageKinds.stats.magic), u32(0xffff_ffff)), "truncated"],
    ["statistics of a restore", file(bytesField(2, restoreEntry)), "missingField"],
    ["a field that must be there and is not", file(bytesField(1, varintField(1, 5n))), "missingField"],
  ])("refuses %s", (_, input, problem) =>
    expect(() => dumpStatistics(input)).toThrow(expect.objectContaining({ problem })),
  )

  it("answers or refuses, whatever follows the magic numbers", () => {
    const outcome = (input: Uint8Array) => {
      try {
        return dumpStatistics(input).frozen_time
      } catch (error) {
        return error
      }
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (message) => {
        expect(outcome(file(message))).toSatisfy((seen) => typeof seen === "number" || isImageProblem(seen))
      }),
      { numRuns: 1000 },
    )
  })
})
