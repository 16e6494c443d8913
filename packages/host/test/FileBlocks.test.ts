import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { fileBlocks } from "../src/index.ts"

const shape = { blockBytes: 1000, lasting: 2 }
const bytes = Buffer.from(Array.from({ length: 10_500 }, (_, at) => at % 251))
let directory = ""
let file = ""

beforeAll(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "cryopod-blocks."))
  file = join(directory, "file")
  fs.writeFileSync(file, bytes)
})
afterAll(() => fs.rmSync(directory, { recursive: true }))

const openFiles = () =>
  fs.readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`) === file
    } catch {
      return false
    }
  }).length

describe("the blocks of a file", () => {
  it("are all of it, each as it was until two more have been asked for", async () => {
    const kept: Array<Uint8Array> = []
    const copies: Array<Buffer> = []
    for await (const block of fileBlocks(file, shape)) {
      copies.push(Buffer.from(block))
      kept.push(block)
      expect(Buffer.concat(kept.slice(-2)).equals(Buffer.concat(copies.slice(-2)))).toBe(true)
    }
    expect(copies.map((block) => block.length)).toEqual([...Array.from({ length: 10 }, () => 1000), 500])
    expect(Buffer.concat(copies).equals(bytes)).toBe(true)
    expect(openFiles()).toBe(0)
  })

  it("begin where a descriptor stands, which stays open", async () => {
    const fd = fs.openSync(file, "r")
    fs.readSync(fd, Buffer.alloc(10))
    const read: Array<Buffer> = []
    for await (const block of fileBlocks(fd, shape)) read.push(Buffer.from(block))
    expect(Buffer.concat(read).equals(bytes.subarray(10))).toBe(true)
    expect(openFiles()).toBe(1)
    fs.closeSync(fd)
  })

  it("leave no file open that is not read to its end", async () => {
    for await (const block of fileBlocks(file, shape)) if (block.length > 0) break
    expect(openFiles()).toBe(0)
  })

  it("are none of what is not there", async () => {
    await expect(fileBlocks(join(directory, "none")).next()).rejects.toThrow("ENOENT")
  })
})
