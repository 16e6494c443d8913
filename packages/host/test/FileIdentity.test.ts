import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { identityOf } from "../src/index.ts"

const place = fs.mkdtempSync(join(tmpdir(), "cryopod-host-"))
afterAll(() => fs.rmSync(place, { recursive: true }))

const path = join(place, "file")
const identity = () => {
  const fd = fs.openSync(path, "r")
  try {
    return identityOf(fd)
  } finally {
    fs.closeSync(fd)
  }
}

it("stays as long as nobody changes the file, and comes back for nobody", () => {
  fs.writeFileSync(path, "content")
  const { atime, mtime } = fs.statSync(path)
  const first = identity()
  expect(first?.sizeBytes).toBe(7)
  fs.readFileSync(path)
  expect(identity()).toEqual(first)
  const seen = new Set([first?.key])
  for (const change of [
    () => fs.writeFileSync(path, "CONTENT", { flag: "r+" }),
    () => fs.chmodSync(path, 0o640),
    () => fs.chownSync(path, 1, 1),
    () => fs.renameSync(path, join(place, "away")),
    () => fs.rmSync(path),
  ]) {
    change()
    if (fs.existsSync(join(place, "away"))) fs.renameSync(join(place, "away"), path)
    if (!fs.existsSync(path)) fs.writeFileSync(path, "content")
    fs.utimesSync(path, atime, mtime)
    const key = identity()?.key
    expect(seen).not.toContain(key)
    seen.add(key)
  }
})

it("is none for what is no file", () => {
  const fd = fs.openSync("/dev/null", "r")
  expect(identityOf(fd)).toBeUndefined()
  fs.closeSync(fd)
})
