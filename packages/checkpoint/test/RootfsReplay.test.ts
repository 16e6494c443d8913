/** Inner archives and lists of strangers, put over a root filesystem full of links: nothing outside of it is touched. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { archive, forged, header } from "../../archive/test/tars.ts"
import { replayRootfs } from "../src/index.ts"

let root = ""
const rootfs = () => join(root, "rootfs")
const members = () => join(root, "members")

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "cryopod-replay-"))
  for (const name of ["rootfs/etc/deep", "members", "outside"]) fs.mkdirSync(join(root, name), { recursive: true })
  fs.writeFileSync(join(root, "outside/planted"), "untouched")
  fs.writeFileSync(join(rootfs(), "etc/file"), "of the image")
  fs.symlinkSync("../../outside", join(rootfs(), "etc/out"))
  fs.symlinkSync(join(root, "outside"), join(rootfs(), "absolute"))
  fs.symlinkSync("etc", join(rootfs(), "within"))
})
afterEach(() => fs.rmSync(root, { recursive: true, force: true }))

const tools = Tools.layer({ prefix: "/nonexistent", path: process.env["PATH"] ?? "" })
const replayed = (files: Readonly<Record<string, Uint8Array | string>>) => {
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(join(members(), name), content)
  return Effect.runPromise(
    Effect.flip(replayRootfs({ source: "web.tar", members: members() }, rootfs())).pipe(
      Effect.map(({ message }) => message),
      Effect.orElseSucceed(() => "accepted"),
      Effect.provide(tools),
    ),
  )
}
const untouched = () => {
  expect(fs.readFileSync(join(root, "outside/planted"), "utf8")).toBe("untouched")
  expect(fs.readdirSync(join(root, "outside"))).toEqual(["planted"])
  expect(fs.readdirSync(root).toSorted()).toEqual(["members", "outside", "rootfs"])
}

describe("a diff", () => {
  const link = (name: string, linkName: string) => ({ name, type: "symlink", linkName }) as const
  it.each<readonly [string, Buffer, string]>([
    [
      "that climbs out",
      archive({ name: "../outside/planted", content: "x" }),
      'its archive member "../outside/planted" leaves',
    ],
    ["that climbs out on its way", archive({ name: "etc/../../outside/x", content: "x" }), "leaves the directory"],
    [
      "through a link of the image",
      archive({ name: "etc/out/planted", content: "x" }),
      "through the symbolic link etc/out",
    ],
    [
      "through an absolute link",
      archive({ name: "absolute/planted", content: "x" }),
      "through the symbolic link absolute",
    ],
    [
      "through a link that stays within",
      archive({ name: "within/file", content: "x" }),
      "through the symbolic link within",
    ],
    [
      "through a link of its own",
      archive(link("new", "../outside"), { name: "new/planted", content: "x" }),
      "through the symbolic link new",
    ],
    [
      "through a link in place of a directory",
      archive(link("etc/deep", "../../outside"), { name: "etc/deep/planted", content: "x" }),
      "through the symbolic link etc/deep",
    ],
    [
      "with a hard link through a link",
      archive({ name: "etc/x", type: "link", linkName: "etc/out/planted" }),
      "through the symbolic link etc/out",
    ],
    [
      "with a hard link that climbs out",
      archive({ name: "etc/x", type: "link", linkName: "../outside/planted" }),
      "leaves the directory",
    ],
    [
      "that is cut off",
      archive({ name: "etc/file", content: Buffer.alloc(5000) }).subarray(0, 2000),
      "ends in the middle",
    ],
    ["with a damaged header", Buffer.alloc(2048, "x"), "is no tar archive"],
    ["that is compressed", execFileSync("gzip", { input: archive({ name: "etc/x" }) }), "is no tar archive"],
    ["with an unknown kind of member", archive(forged(header({ name: "etc/x" }), 156, "Z")), "unknown type"],
  ])("%s is one error that names the member", async (_, diff, text) => {
    const message = await replayed({ "rootfs-diff.tar": diff })
    expect(message).toContain("checkpoint web.tar: rootfs-diff.tar: ")
    expect(message).toContain(text)
    untouched()
    expect(fs.readFileSync(join(rootfs(), "etc/file"), "utf8")).toBe("of the image")
  })

  it("takes the place of what is there, links included, and follows none", async () => {
    const diff = archive(
      { name: "etc/out", content: "a file now" },
      { name: "etc/file/", type: "directory", mode: 0o755 },
      { name: "etc/file/x", content: "a directory now" },
      { name: "/etc/abs", content: "within" },
    )
    expect(await replayed({ "rootfs-diff.tar": diff })).toBe("accepted")
    untouched()
    expect(fs.readFileSync(join(rootfs(), "etc/out"), "utf8")).toBe("a file now")
    expect(fs.readFileSync(join(rootfs(), "etc/file/x"), "utf8")).toBe("a directory now")
    expect(fs.readFileSync(join(rootfs(), "etc/abs"), "utf8")).toBe("within")
  })
})

describe("a list of deleted files", () => {
  it.each([
    ["that climbs out", '["/../outside/planted"]', "leaves the directory"],
    ["through a link", '["/etc/out/planted"]', "through the symbolic link etc/out"],
    ["through an absolute link", '["/absolute/planted"]', "through the symbolic link absolute"],
    ["that is no list", '{"a": 1}', "is not a JSON array"],
    ["that holds something else", "[1]", "is not a JSON array"],
    ["that is no JSON", "[", "is not a JSON array"],
  ])("%s is one error that names the member", async (_, list, text) => {
    const message = await replayed({ "deleted.files": list })
    expect(message).toContain("checkpoint web.tar: deleted.files: ")
    expect(message).toContain(text)
    untouched()
    expect(fs.existsSync(join(rootfs(), "etc/file"))).toBe(true)
  })

  it("removes what it names, a link rather than what that leads to, and never the root", async () => {
    expect(await replayed({ "deleted.files": '["/etc/out", "/absolute", "/etc/file", "/", "/nowhere"]' })).toBe(
      "accepted",
    )
    untouched()
    expect(fs.readdirSync(rootfs()).toSorted()).toEqual(["etc", "within"])
  })
})

it("whatever a diff and a list say, nothing outside is touched", async () => {
  const part = fc.constantFrom(
    "..",
    ".",
    "",
    "etc",
    "out",
    "absolute",
    "within",
    "planted",
    "outside",
    "deep",
    "file",
    "new",
  )
  const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"))
  const sample = fc.record({
    name,
    linkName: fc.oneof(name, fc.constantFrom("../outside", "../../outside", "/")),
    type: fc.constantFrom("file", "directory", "symlink", "link", "fifo"),
    content: fc.constantFrom("", "overwritten"),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(sample, { maxLength: 5 }), fc.array(name, { maxLength: 3 }), async (samples, deleted) => {
      const diff = archive(...samples.map((one) => (one.type === "file" ? one : { ...one, content: "" })))
      const message = await replayed({ "rootfs-diff.tar": diff, "deleted.files": JSON.stringify(deleted) })
      expect(message).toMatch(/^(?:accepted|checkpoint web\.tar: (?:rootfs-diff\.tar|deleted\.files): )/)
      untouched()
    }),
    { numRuns: 60 },
  )
}, 60_000)
