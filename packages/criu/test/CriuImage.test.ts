import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  bytesSource,
  type ByteSource,
  commonMagic,
  imageEntries,
  type ImageKind,
  imageKindOf,
  imageKinds,
  isImageProblem,
  Protobuf,
  readImage,
  readFields,
  readOnly,
  serviceMagic,
} from "../src/index.ts"
import { bytesField, concat, hex, u32, varintField } from "./bytes.ts"

const kinds = Object.keys(imageKinds) as ReadonlyArray<ImageKind>
const headOf = (kind: ImageKind) => {
  const { head, magic }: { readonly head?: string; readonly magic: number } = imageKinds[kind]
  return head === "none" ? u32(magic) : concat(u32(head === "service" ? serviceMagic : commonMagic), u32(magic))
}
const entry = (message: Uint8Array, payload: Uint8Array = new Uint8Array()) =>
  concat(u32(message.length), message, payload)
const sourceOf = (kind: ImageKind, ...entries: ReadonlyArray<Uint8Array>) =>
  bytesSource(concat(headOf(kind), ...entries))
const messagesOf = (source: ByteSource, kind: ImageKind) =>
  Array.from(imageEntries(source, kind), ({ message }) => message)

describe("image files", () => {
  it("are told by their magic numbers, each of its own", () => {
    expect(new Set(kinds.map((kind) => imageKinds[kind].magic)).size).toBe(kinds.length)
    for (const kind of kinds) expect(imageKindOf(sourceOf(kind))).toBe(kind)
    expect(imageKindOf(bytesSource(new Uint8Array()))).toBeUndefined()
    expect(imageKindOf(bytesSource(hex("1f8b080000000000")))).toBeUndefined()
  })

  it("hold entries in their order, empty ones too", () => {
    const source = sourceOf("pstree", entry(hex("0102")), entry(new Uint8Array()), entry(hex("03")))
    expect(messagesOf(source, "pstree")).toEqual([hex("0102"), new Uint8Array(), hex("03")])
    expect(messagesOf(sourceOf("pstree"), "pstree")).toEqual([])
  })

  it("are read in windows, whatever the size of an entry", () => {
    const sizes = [0, 1, 60_000, 65_530, 65_536, 65_537, 200_000, 3]
    const messages = sizes.map((size) => new Uint8Array(size).fill(size % 251))
    const bytes = concat(headOf("core"), ...messages.map((message) => entry(message)))
    let largest = 0
    const source: ByteSource = {
      sizeBytes: bytes.length,
      read: (position, length) => {
        largest = Math.max(largest, length)
        return bytes.slice(position, position + length)
      },
    }
    expect(messagesOf(source, "core")).toEqual(messages)
    expect(largest).toBe(200_000)
  })

  it("begin with a head where they are pagemaps", () => {
    const page = concat(varintField(1, 0x400000n), varintField(2, 3n))
    const source = sourceOf("pagemap", entry(varintField(1, 7n)), entry(page), entry(page))
    const [head, first] = Array.from(imageEntries(source, "pagemap"), ({ message, table }) =>
      Protobuf.decode(message, table),
    )
    expect(head).toEqual({ pages_id: 7 })
    expect(first).toEqual({ vaddr: 0x400000n, compat_nr_pages: 3 })
  })

  it("may have only one entry", () => {
    expect(
      readOnly(sourceOf("utsns", entry(concat(bytesField(1, hex("61")), bytesField(2, hex("62"))))), "utsns"),
    ).toEqual({
      nodename: "a",
      domainname: "b",
    })
    expect(() => readOnly(sourceOf("utsns"), "utsns")).toThrow(expect.objectContaining({ problem: "empty" }))
  })

  it("give some fields of their only entry, whatever is in the others", () => {
    const damaged = bytesField(2, hex("ff"))
    const core = sourceOf("core", entry(concat(varintField(1, 1n), damaged)))
    expect(Object.entries(readFields(core, "core", ["mtype"]))).toEqual([["mtype", 1]])
    expect(() => readFields(core, "core", ["thread_info"])).toThrow(expect.objectContaining({ problem: "truncated" }))
    const without = sourceOf("core", entry(damaged))
    expect(() => readFields(without, "core", ["mtype"])).toThrow(expect.objectContaining({ problem: "missingField" }))
    expect(Object.keys(readFields(without, "core", ["thread_core"]))).toEqual([])
    expect(() => readFields(sourceOf("core"), "core", ["mtype"])).toThrow(expect.objectContaining({ problem: "empty" }))
  })
})

describe("payloads between entries", () => {
  const placesOf = (source: ByteSource, kind: ImageKind) =>
    Array.from(imageEntries(source, kind), ({ payload }) => source.read(payload.position, payload.sizeBytes))

  it("of pipes and socket queues have the length that the entry says", () => {
    const pipe = entry(concat(varintField(1, 1n), varintField(2, 3n)), hex("616263"))
    expect(placesOf(sourceOf("pipes_data", pipe, pipe), "pipes_data")).toEqual([hex("616263"), hex("616263")])
    const packet = entry(concat(varintField(1, 1n), varintField(2, 2n)), hex("7879"))
    expect(placesOf(sourceOf("sk_queues", packet, packet), "sk_queues")).toEqual([hex("7879"), hex("7879")])
  })

  it("of semaphores are padded to eight bytes", () => {
    const description = bytesField(1, concat(...[1, 2, 3, 4, 5, 6, 7].map((number) => varintField(number, 0n))))
    const set = entry(concat(description, varintField(2, 3n)), new Uint8Array(8))
    expect(placesOf(sourceOf("ipcns_sem", set, set), "ipcns_sem").map(({ length }) => length)).toEqual([8, 8])
  })

  it("of message queues are messages with contents of their own", () => {
    const description = bytesField(1, concat(...[1, 2, 3, 4, 5, 6, 7].map((number) => varintField(number, 0n))))
    const queued = entry(concat(varintField(1, 1n), varintField(2, 5n)), new Uint8Array(8))
    const queue = entry(concat(description, varintField(2, 10n), varintField(3, 2n)), concat(queued, queued))
    expect(messagesOf(sourceOf("ipcns_msg", queue, queue), "ipcns_msg")).toHaveLength(2)
  })

  it("of deleted files are the rest of the file, or chunks", () => {
    const ghost = concat(varintField(1, 0n), varintField(2, 0n), varintField(3, 0o100644n))
    expect(placesOf(sourceOf("ghost_file", entry(ghost), hex("00112233")), "ghost_file")).toEqual([hex("00112233")])
    const chunk = (off: bigint, content: Uint8Array) =>
      entry(concat(varintField(1, BigInt(content.length)), varintField(2, off)), content)
    const inChunks = sourceOf(
      "ghost_file",
      entry(concat(ghost, varintField(9, 1n))),
      chunk(0n, hex("aa")),
      chunk(4096n, hex("bbcc")),
    )
    expect(placesOf(inChunks, "ghost_file")).toEqual([new Uint8Array(), hex("aa"), hex("bbcc")])
  })

  it("that the file does not have are refused", () => {
    const pipe = entry(concat(varintField(1, 1n), varintField(2, 4n)), hex("616263"))
    expect(() => placesOf(sourceOf("pipes_data", pipe), "pipes_data")).toThrow(
      expect.objectContaining({ problem: "truncated" }),
    )
  })
})

describe("whatever the bytes", () => {
  const outcome = (kind: ImageKind, source: ByteSource): unknown => {
    try {
      return readImage(source, kind)
    } catch (error) {
      return error
    }
  }

  it.each(kinds)("%s is read or refused", (kind) => {
    const random = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 })
    fc.assert(
      fc.property(random, (messages) => {
        const source = sourceOf(kind, ...messages.map((message) => entry(message)))
        expect(outcome(kind, source)).toSatisfy((seen) => Array.isArray(seen) || isImageProblem(seen))
      }),
      { numRuns: 100 },
    )
  })

  it("a message longer than any that CRIU writes is not read into memory", () => {
    const source: ByteSource = {
      sizeBytes: 2 ** 32,
      read: (position, length) => {
        expect(length).toBeLessThan(2 ** 20)
        const bytes = concat(headOf("core"), u32(2 ** 31))
        return concat(bytes, new Uint8Array(2 ** 17)).subarray(position, position + length)
      },
    }
    expect(outcome("core", source)).toMatchObject({ problem: "size" })
  })
})
