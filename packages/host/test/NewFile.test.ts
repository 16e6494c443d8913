import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { newFile } from "../src/NewFile.ts"

const place = fs.mkdtempSync(join(tmpdir(), "cryopod-host-"))
afterAll(() => fs.rmSync(place, { recursive: true }))

const blocksOf = (...lengths: ReadonlyArray<number>) =>
  lengths.map((length, at) => Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 31 + at * 7) & 0xff)))

describe("a new file", () => {
  it.each([
    ["nothing", []],
    ["a byte", [1]],
    ["blocks of all sizes", [10, 5_000_000, 512, 1 << 20, 3_000_001, 0, 7]],
    ["more than is flushed on the way", Array.from({ length: 5 }, () => 8 << 20)],
  ])("has %s", async (_, lengths) => {
    const path = join(place, "file")
    const file = await newFile(path)
    const blocks = blocksOf(...lengths)
    for (const block of blocks) {
      const lent = Buffer.from(block)
      await file.write(lent)
      // it is the caller's again
      lent.fill(0xff)
    }
    await file.sync()
    const identity = file.identity()
    await file.close()
    const content = Buffer.concat(blocks)
    expect(fs.readFileSync(path).equals(content)).toBe(true)
    expect(identity?.sizeBytes).toBe(content.length)
    expect(fs.statSync(path).mode & 0o777).toBe(0o600)
    fs.rmSync(path)
  })

  it("does not take the place of another", async () => {
    const path = join(place, "taken")
    fs.writeFileSync(path, "mine")
    await expect(newFile(path)).rejects.toMatchObject({ code: "EEXIST" })
    expect(fs.readFileSync(path, "utf8")).toBe("mine")
  })
})

it("what is under way when a file is closed does not reach another", async () => {
  const path = join(place, "closed")
  const file = await newFile(path)
  for (const block of blocksOf(1 << 20, 1 << 20, 1 << 20)) void file.write(block)
  await file.close()
  await expect(file.write(Buffer.alloc(1 << 22))).rejects.toMatchObject({ code: "EBADF" })
})
