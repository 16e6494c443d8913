import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type MemoryBlock, searchMemory } from "../src/index.ts"

const blocksOf = (text: string, sizes: ReadonlyArray<number>, address = 0x1000n): ReadonlyArray<MemoryBlock> => {
  const bytes = Buffer.from(text, "latin1")
  const blocks: Array<MemoryBlock> = []
  let at = 0
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    blocks.push({ address: address + BigInt(at), content: bytes.subarray(at, at + size) })
    at += size
  }
  return blocks
}

const found = (blocks: Iterable<MemoryBlock>, pattern: string | RegExp, context = 0) =>
  Array.from(searchMemory(blocks, pattern, context), ({ address, context: around, match }) => [
    Number(address),
    Buffer.from(match).toString("latin1"),
    Buffer.from(around.content).toString("latin1"),
  ])

describe("a search in memory", () => {
  it("tells address, match and what stands around it", () => {
    const blocks = blocksOf("the secret is here, the secret is there", [7])
    expect(found(blocks, "secret", 4)).toEqual([
      [0x1004, "secret", "the secret is "],
      [0x1018, "secret", "the secret is "],
    ])
    expect(found(blocks, /h[a-z]+re|t[a-z]+re/g)).toEqual([
      [0x100e, "here", "here"],
      [0x1022, "there", "there"],
    ])
  })

  it("does not join what is apart", () => {
    const [first, second] = [blocksOf("sec", [3]), blocksOf("ret", [3], 0x9000n)]
    expect(found([...first, ...second], "secret")).toEqual([])
    expect(found([...first, ...blocksOf("ret", [3], 0x1003n)], "secret")).toHaveLength(1)
  })

  it("finds the same however memory is cut into blocks", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 60 })
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(letters, sizes, fc.constantFrom("ab", "aa", "bab"), fc.nat(5), (text, cut, needle, context) => {
        expect(found(blocksOf(text, cut), needle, context)).toEqual(found(blocksOf(text, [1000]), needle, context))
        const expression = () => new RegExp(`${needle}+`, "g")
        expect(found(blocksOf(text, cut), expression(), context)).toEqual(
          found(blocksOf(text, [1000]), expression(), context),
        )
      }),
    )
  })
})
