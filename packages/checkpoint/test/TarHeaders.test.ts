/** GNU tar writes, we read: what it unpacks is what was looked at. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { tarEntries, type TarEntry } from "../src/index.ts"

let directory: string
beforeAll(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "cryopod-tar."))
})
afterAll(() => fs.rmSync(directory, { recursive: true }))

const long = `${"deep/".repeat(40)}${"x".repeat(120)}`

/** A tree with one of everything that an unprivileged test can make. */
const makeTree = (): string => {
  const tree = join(directory, "tree")
  fs.mkdirSync(join(tree, "deep/".repeat(40)), { recursive: true })
  fs.writeFileSync(join(tree, "plain"), "content")
  fs.writeFileSync(join(tree, "größe ☃"), "")
  fs.writeFileSync(join(tree, long), "long")
  fs.linkSync(join(tree, "plain"), join(tree, "second"))
  fs.symlinkSync("../".repeat(20), join(tree, "away"))
  fs.symlinkSync(long, join(tree, "far"))
  execFileSync("mkfifo", [join(tree, "pipe")])
  const sparse = fs.openSync(join(tree, "sparse"), "w")
  fs.writeSync(sparse, "a", 0)
  for (let at = 1; at <= 40; at++) fs.writeSync(sparse, "b", at * 2 ** 20)
  fs.closeSync(sparse)
  return tree
}

const pack = (tree: string, ...options: ReadonlyArray<string>): string => {
  const archive = join(directory, "archive.tar")
  execFileSync("tar", [...options, "-C", tree, "-cf", archive, "."])
  return archive
}

const listing = (archive: string): ReadonlyArray<string> =>
  execFileSync("tar", ["--quoting-style=literal", "-tf", archive], { encoding: "utf8" }).trimEnd().split("\n")

describe.each([
  ["pax", ["--format=pax", "--sparse"]],
  ["pax with old sparse files", ["--format=pax", "--sparse", "--sparse-version=0.1"]],
  ["gnu", ["--format=gnu", "--sparse"]],
  ["ustar", ["--format=ustar", "--exclude=deep", "--exclude=far"]],
])("%s", (_, options) => {
  it("has the same members as GNU tar sees", () => {
    const tree = fs.existsSync(join(directory, "tree")) ? join(directory, "tree") : makeTree()
    const archive = pack(tree, ...options)
    const entries = [...tarEntries(archive)]
    expect(entries.map(({ name }) => name)).toEqual(listing(archive))
    const type = (name: string): TarEntry["type"] | undefined =>
      entries.find((entry) => entry.name === `./${name}`)?.type
    expect([type("pipe"), type("away"), type("sparse"), type("größe ☃")]).toEqual(["fifo", "symlink", "file", "file"])
    const links = entries.filter((entry) => entry.type === "link")
    expect(links.map(({ linkname, name }) => [name, linkname].toSorted())).toEqual([["./plain", "./second"]])
  })
})

describe("an archive that GNU tar would read otherwise, or not at all", () => {
  const broken = (change: (bytes: Buffer) => Buffer): string => {
    const tree = join(directory, "small")
    fs.mkdirSync(tree, { recursive: true })
    fs.writeFileSync(join(tree, "file"), "x".repeat(2000))
    const archive = pack(tree, "--format=ustar")
    const bytes = fs.readFileSync(archive)
    fs.writeFileSync(archive, change(bytes))
    return archive
  }

  /** Give a header the checksum that fits it. */
  const signed = (bytes: Buffer, at: number) => {
    bytes.fill(0x20, at + 148, at + 156)
    const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0)
    bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1")
    return bytes
  }

  const written = (bytes: Buffer, text: string, at: number) => {
    bytes.write(text, at)
    return bytes
  }

  it.each<readonly [string, RegExp, (bytes: Buffer) => Buffer]>([
    ["a wrong checksum", /checksum/, (bytes) => written(bytes, "g", 0)],
    ["an end in the middle of a file", /middle of a member/, (bytes) => bytes.subarray(0, 1536)],
    ["an end in the middle of a header", /middle of a header/, (bytes) => bytes.subarray(0, 700)],
    ["an unknown type", /unknown type/, (bytes) => signed(written(bytes, "D", 512 + 156), 512)],
    ["a directory with content", /no file has content/, (bytes) => signed(written(bytes, "5", 512 + 156), 512)],
    ["a size that is no number", /damaged number/, (bytes) => signed(written(bytes, "9", 512 + 124), 512)],
    ["a negative size", /negative/, (bytes) => signed(bytes.fill(0xff, 512 + 124, 512 + 136), 512)],
  ])("with %s is refused", (_, problem, change) => {
    expect(() => [...tarEntries(broken(change))]).toThrow(problem)
  })
})
