/** Archives of very many members: in parts they become what one program makes of them, or they are not parted. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { archive } from "../../archive/test/tars.ts"
import { unpackDirectory } from "../src/DirectoryTar.ts"
import { tarEntries } from "../src/TarHeaders.ts"
import { confined, inspectTar } from "../src/TarInspection.ts"
import { Parting } from "../src/TarParts.ts"

let root = ""
beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "cryopod-parts-"))
})
afterEach(() => fs.rmSync(root, { recursive: true, force: true }))

const tools = Tools.layer({ prefix: "/nonexistent", path: process.env["PATH"] ?? "" })

const parted = (bytes: Uint8Array) => {
  const path = join(root, "archive.tar")
  fs.writeFileSync(path, bytes)
  const parting = new Parting(2)
  for (const entry of tarEntries(path)) parting.add(confined(entry.name), entry)
  return parting.parts()
}

describe("an archive is not parted", () => {
  it.each<readonly [string, Buffer]>([
    ["with one member", archive({ name: "a", content: "a" })],
    ["with a hard link", archive({ name: "a", content: "a" }, { name: "b", type: "link", linkName: "a" })],
    ["with a name twice", archive({ name: "a", content: "a" }, { name: "./a", content: "b" })],
    [
      "with a link that is above a member before it",
      archive({ name: "a/b/c", content: "a" }, { name: "a", type: "symlink", linkName: "/" }),
    ],
    [
      "with a file in place of an earlier directory",
      archive({ name: "a", type: "directory" }, { name: "a", content: "a" }),
    ],
    [
      "with a directory that is a link as well",
      archive(
        { name: "a", type: "symlink", linkName: "/" },
        { name: "a", type: "directory" },
        { name: "a/b", content: "b" },
      ),
    ],
  ])("%s", (_, bytes) => expect(parted(bytes)).toBeUndefined())
})

it("parts begin where a member does, and have all of them", () => {
  const names = Array.from({ length: 9 }, (_, at) => `f${at}`)
  const all = archive({ name: "d", type: "directory" }, ...names.map((name) => ({ name: `d/${name}`, content: name })))
  const parts = parted(all)
  expect(parts?.directories).toEqual([{ start: 0, end: 512 }])
  expect(parts?.parts.at(0)?.start).toBe(0)
  expect(parts?.parts.at(-1)?.end).toBe(512 + 9 * 1024)
  expect(parts?.parts.slice(1).map(({ start }) => start)).toEqual(parts?.parts.slice(0, -1).map(({ end }) => end))
})

it("what several programs have unpacked is what one has, times and modes of directories included", async () => {
  const source = join(root, "source")
  for (let at = 0; at < 101; at++) {
    const directory = join(source, `deep/${at % 7}`, `d${at}`)
    fs.mkdirSync(directory, { recursive: true })
    for (let file = 0; file < 100; file++) fs.writeFileSync(join(directory, `${file}`), `${at}/${file}`)
    fs.symlinkSync(`${at}`, join(directory, "link"))
    fs.chmodSync(directory, 0o700 + (at % 8))
    fs.utimesSync(directory, at, 1_000_000 + at)
  }
  fs.utimesSync(join(source, "deep"), 5, 5)
  const path = join(root, "archive.tar")
  execFileSync("tar", ["--format=pax", "-C", source, "-cf", path, "."])
  const [one, several] = [join(root, "one"), join(root, "several")]
  for (const directory of [one, several]) fs.mkdirSync(directory)
  const { parts } = await Effect.runPromise(inspectTar(path, several))
  expect(parts?.parts.length).toBeGreaterThan(0)
  const unpacked = (directory: string, how: object) =>
    unpackDirectory({ archive: path, directory, existing: "replace", ...how }).pipe(Effect.provide(tools))
  await Effect.runPromise(unpacked(one, {}))
  await Effect.runPromise(unpacked(several, { parts }))
  const listed = (directory: string) =>
    execFileSync("sh", ["-c", `find . -printf '%P %y %m %U:%G %T@ %l\\n' | sort`], { cwd: directory, encoding: "utf8" })
  expect(listed(several)).toBe(listed(one))
  execFileSync("diff", ["-r", "--no-dereference", one, several])
}, 120_000)

it("an archive that becomes shorter while it is unpacked is a failure", async () => {
  const path = join(root, "archive.tar")
  fs.writeFileSync(path, archive({ name: "a", content: "a" }, { name: "b", content: "b" }))
  fs.mkdirSync(join(root, "there"))
  const parts = { directories: [], parts: [{ start: 0, end: 1 << 20 }] }
  const unpacked = unpackDirectory({ archive: path, directory: join(root, "there"), existing: "replace", parts })
  const failure = await Effect.runPromise(Effect.flip(unpacked.pipe(Effect.provide(tools))))
  expect(failure._tag).toBe("ToolFailed")
})
