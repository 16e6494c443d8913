/** A digest that was begun early is the digest. */
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { AheadDigest, measure, planDirectory, tarBlocks } from "../src/index.ts"

let directory: string
beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "cryopod-ahead."))
  fs.mkdirSync(join(directory, "checkpoint"))
})
afterEach(() => fs.rmSync(directory, { recursive: true }))

const path = (name: string) => join(directory, "checkpoint", name)
const plain = async () => measure(tarBlocks(await planDirectory(directory)))
const never = new AbortController().signal

const bytes = (length: number, seed: number): Buffer => {
  const made = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; at++) made[at] = Math.imul(at + seed, 2_654_435_761) >>> 24
  return made
}

/** Append a file in pieces, with time to read in between. */
const grow = async (name: string, content: Buffer, pieceBytes: number) => {
  fs.writeFileSync(path(name), "")
  for (let at = 0; at < content.length; at += pieceBytes) {
    fs.appendFileSync(path(name), content.subarray(at, at + pieceBytes))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** Follow files of expected lengths while they are written; how far that went. */
const followed = async (files: ReadonlyArray<readonly [name: string, content: Buffer, expected: number]>) => {
  const digest = new AheadDigest()
  await digest.directory("checkpoint")
  let went = 0
  for (const [name, content, sizeBytes] of files) {
    let over = false
    fs.writeFileSync(path(name), "")
    const growing = grow(name, content, 70_001).then(() => (over = true))
    const file = { name: `checkpoint/${name}`, path: path(name), sizeBytes }
    const fits = await digest.follow(file, () => over, never)
    await growing
    if (!fits) break
    went++
  }
  return { digest, went }
}

describe("hashing ahead", () => {
  const [one, two] = [bytes(3_000_077, 1), bytes(512 * 40, 2)]

  it("gives the digest of the finished archive", async () => {
    const { digest, went } = await followed([
      ["pages-1.img", one, one.length],
      ["pages-2.img", two, two.length],
      ["pages-10.img", one, one.length],
    ])
    expect(went).toBe(3)
    fs.writeFileSync(path("core-1.img"), "written later, and before the pages by its name")
    fs.writeFileSync(join(directory, "config.dump"), "{}")
    expect(await digest.measure(await planDirectory(directory))).toEqual(await plain())
  })

  it("does not read again what it has", async () => {
    const { digest } = await followed([["pages-1.img", one, one.length]])
    const expected = await plain()
    fs.writeFileSync(path("pages-1.img"), Buffer.alloc(one.length))
    // the very same file with other content: only a digest that did not look again is the old one
    expect(await digest.measure(await planDirectory(directory))).toEqual(expected)
  })

  it.each([
    ["shorter than expected", one.length + 4096],
    ["longer than expected", one.length - 4096],
  ])("begins anew when a file is %s", async (_, expected) => {
    const { digest } = await followed([["pages-1.img", one, expected]])
    expect(await digest.measure(await planDirectory(directory))).toEqual(await plain())
  })

  it("begins anew when another file took the place of the one it read", async () => {
    const { digest } = await followed([["pages-1.img", one, one.length]])
    fs.writeFileSync(path("other"), bytes(one.length, 9))
    fs.renameSync(path("other"), path("pages-1.img"))
    expect(await digest.measure(await planDirectory(directory))).toEqual(await plain())
  })

  it("begins anew when the archive does not begin as expected", async () => {
    const { digest } = await followed([["pages-1.img", one, one.length]])
    fs.writeFileSync(join(directory, "artifacts"), "before everything else")
    expect(await digest.measure(await planDirectory(directory))).toEqual(await plain())
  })
})
