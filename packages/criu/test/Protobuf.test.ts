import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Protobuf, ProtobufInvalid } from "../src/index.ts"
import { bytesField, concat, hex, key, varint, varintField } from "./bytes.ts"

const {
  big,
  bool,
  bytes,
  decode,
  encode,
  fixed,
  int,
  many,
  message,
  nested,
  required,
  sint,
  text,
  uint,
  unknownFields,
} = Protobuf

const inner = message({ id: uint(1), name: text(2) })
const outer = message({
  count: uint(1),
  delta: int(2),
  address: big(3),
  on: bool(4),
  raw: bytes(5),
  label: text(6),
  one: nested(7, inner),
  list: many(nested(8, inner)),
  numbers: many(uint(9)),
  zigzag: sint(10),
  wide: many(fixed(11)),
})

/** What absent repeated fields decode to. */
const none = { list: [], numbers: [], wide: [] }

const problemOf = (input: Uint8Array): string => {
  try {
    decode(input, outer)
    return "none"
  } catch (error) {
    if (error instanceof ProtobufInvalid) return error.problem
    throw error
  }
}

describe("decode", () => {
  it("reads every kind of field", () => {
    const input = concat(
      varintField(1, 300n),
      varintField(2, -5n),
      varintField(3, 0xffff_ffff_ffff_f000n),
      varintField(4, 1n),
      bytesField(5, hex("00ff")),
      bytesField(6, Buffer.from("grün")),
      bytesField(7, concat(varintField(1, 7n), bytesField(2, Buffer.from("seven")))),
      bytesField(8, varintField(1, 1n)),
      bytesField(8, varintField(1, 2n)),
      varintField(9, 1n),
      bytesField(9, concat(varint(2n), varint(300n))),
      varintField(10, 3n),
      key(11, 1),
      hex("0100000000000080"),
      bytesField(11, hex("0200000000000000")),
    )
    expect(decode(input, outer)).toEqual({
      count: 300,
      delta: -5,
      address: 0xffff_ffff_ffff_f000n,
      on: true,
      raw: hex("00ff"),
      label: "grün",
      one: { id: 7, name: "seven" },
      list: [{ id: 1 }, { id: 2 }],
      numbers: [1, 2, 300],
      zigzag: -2,
      wide: [2n ** 63n + 1n, 2n],
    })
  })

  it("takes the last value of a field and none of an absent one", () => {
    expect(decode(concat(varintField(1, 1n), varintField(1, 2n)), outer)).toEqual({ ...none, count: 2 })
    expect(decode(new Uint8Array(), outer)).toEqual(none)
  })

  it("reads fixed widths, and keeps fields it does not know", () => {
    const input = concat(
      key(1, 5),
      hex("2a000000"),
      key(100, 0),
      varint(5n),
      key(101, 1),
      new Uint8Array(8),
      key(102, 2),
      hex("03aabbcc"),
      key(103, 5),
      new Uint8Array(4),
      key(3, 1),
      hex("ff00000000000000"),
    )
    const decoded = decode(input, outer)
    expect(decoded).toMatchObject({ count: 42, address: 255n })
    expect(unknownFields(decoded)).toEqual([
      { number: 100, wire: 0, bytes: hex("05") },
      { number: 101, wire: 1, bytes: new Uint8Array(8) },
      { number: 102, wire: 2, bytes: hex("03aabbcc") },
      { number: 103, wire: 5, bytes: new Uint8Array(4) },
    ])
  })

  it("reads a message in the middle of a larger buffer", () => {
    const padded = concat(hex("ffffff"), varintField(1, 9n), hex("ff"))
    expect(decode(padded.subarray(3, 5), outer)).toEqual({ ...none, count: 9 })
  })

  it.each([
    ["a value that is missing", "08", "truncated"],
    ["a number that does not end", "0880", "truncated"],
    ["a number of eleven bytes", "08ffffffffffffffffffff01", "varint"],
    ["a text longer than the input", "320561", "truncated"],
    ["a length near 2⁶⁴", "32ffffffffffffffffff01", "truncated"],
    ["a nested message that ends within a field", "3a020a05", "truncated"],
    ["four bytes where eight are needed", "1900000000", "truncated"],
    ["a group", "0b0c", "wireType"],
    ["wire type 7", "0f", "wireType"],
    ["field number 0", "0001", "fieldNumber"],
    ["a number where a text belongs", "3001", "wireType"],
    ["a text where a number belongs", "0a0161", "wireType"],
    ["a number beyond 2⁵³", "08ffffffffffffffff7f", "range"],
  ])("refuses %s", (_, input, problem) => expect(problemOf(hex(input))).toBe(problem))

  it("refuses messages nested without end", () => {
    const self: { readonly byNumber: Map<number, readonly [string, Protobuf.Field<unknown>]> } = { byNumber: new Map() }
    self.byNumber.set(1, ["self", { number: 1, kind: self, rule: "optional" }])
    const deep = Array.from({ length: 200 }).reduce<Uint8Array>((within) => bytesField(1, within), new Uint8Array())
    expect(() => decode(deep, self)).toThrow(expect.objectContaining({ problem: "depth" }))
  })

  it("answers or refuses, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
        expect(["none", "truncated", "varint", "wireType", "fieldNumber", "range", "depth", "missingField"]).toContain(
          problemOf(input),
        )
      }),
      { numRuns: 2000 },
    )
  })

  it("reads back whatever numbers were written", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.maxSafeInteger(), (address, delta) => {
        const input = concat(varintField(3, address), varintField(2, BigInt(delta)))
        expect(decode(input, outer)).toEqual({ ...none, address, delta })
      }),
    )
  })
})

describe("required fields", () => {
  it("are refused when they are not there", () => {
    const strict = message({ id: required(uint(1)), of: nested(2, message({ name: required(text(1)) })) })
    expect(decode(varintField(1, 7n), strict)).toEqual({ id: 7 })
    expect(() => decode(new Uint8Array(), strict)).toThrow(expect.objectContaining({ problem: "missingField" }))
    expect(() => decode(concat(varintField(1, 7n), bytesField(2, new Uint8Array())), strict)).toThrow(
      expect.objectContaining({ problem: "missingField", offset: 4 }),
    )
  })
})

describe("encode", () => {
  it("writes fields in the order of their numbers, unknown ones among them", () => {
    const written = concat(
      varintField(1, 300n),
      bytesField(7, concat(varintField(1, 7n), key(50, 2), hex("0161"))),
      key(8, 2),
      hex("00"),
      varintField(9, 1n),
      varintField(9, 2n),
      varintField(10, 3n),
      key(11, 1),
      hex("0100000000000080"),
      key(100, 0),
      varint(5n),
    )
    expect(encode(decode(written, outer), outer)).toEqual(written)
  })

  it("writes what decode reads", () => {
    const value = fc.record({
      count: fc.maxSafeNat(),
      delta: fc.maxSafeInteger(),
      address: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      on: fc.boolean(),
      raw: fc.uint8Array(),
      label: fc.string({ unit: "grapheme" }),
      one: fc.record({ id: fc.maxSafeNat(), name: fc.string() }),
      list: fc.array(fc.record({ id: fc.maxSafeNat() })),
      numbers: fc.array(fc.maxSafeNat()),
      zigzag: fc.integer(),
      wide: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
    })
    fc.assert(
      fc.property(value, (one) => {
        expect(decode(encode(one, outer), outer)).toEqual(one)
      }),
    )
  })
})
