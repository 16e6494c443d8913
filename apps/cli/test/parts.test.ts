import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeEach, expect, it } from "vitest"
import { openParts } from "../src/parts.ts"

const places: Array<string> = []
afterAll(() => places.forEach((place) => fs.rmSync(place, { recursive: true, force: true })))

let directory = ""
/** A program of three parts, of which one is loaded when it is first asked for. */
beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "cryopod-parts-"))
  places.push(directory)
  fs.writeFileSync(join(directory, "main.cjs"), "exports.version = '1'")
  fs.writeFileSync(
    join(directory, "one.cjs"),
    `const { join } = require("node:path"), { version } = require("./main.cjs")
     exports.joined = (a, b) => join(a, b) + version
     exports.place = () => [__filename, __dirname].join(" ")
     exports.other = () => require("./other.cjs").twice(21)`,
  )
  fs.writeFileSync(join(directory, "other.cjs"), "exports.twice = (number) => 2 * number")
})

const source = join(import.meta.dirname, "../src/parts.ts")

/** In a process of its own: within one, V8 knows code that it has compiled before. */
const run = (words: string, call: string, flags = "", meanwhile = ""): string =>
  execFileSync(
    process.execPath,
    [
      "--input-type=module",
      "--eval",
      `import { openParts } from ${JSON.stringify(source)}
       const parts = openParts(${JSON.stringify(directory)}, "main.cjs", ${JSON.stringify(words.split(" "))})
       parts.called(${JSON.stringify(words.replace("--root here ", ""))}, ${JSON.stringify(flags)})
       process.stdout.write(String(parts.load("./one.cjs").${call}))
       ${meanwhile}
       parts.keep()`,
    ],
    { encoding: "utf8" },
  )
const joined = 'joined("a", "b")'
const doubled = "other()"

const cache = () => join(directory, ".compiled", `${process.version}-${process.arch}`)
const kept = () =>
  (fs.readdirSync(cache(), { recursive: true }) as Array<string>)
    .filter((name) => fs.statSync(join(cache(), name)).isFile())
    .toSorted()
const flagsOf = (home: string) => fs.readFileSync(join(cache(), home, "flags"), "utf8")

it("parts have what they export, each other, and what is Node's, with kept code and without", () => {
  for (let times = 0; times < 3; times++) {
    expect(run("join", joined)).toBe("a/b1")
    expect(run("double", doubled)).toBe("42")
  }
})

it("parts know where they lie", () => {
  expect(run("place", "place()")).toBe(`${join(directory, "one.cjs")} ${directory}`)
})

it("each command has its own code, and each combination of flags adds what it needs, once", () => {
  run("join", joined)
  run("join", joined)
  run("two words", joined)
  expect(kept()).toEqual(["join/1/flags", "join/1/one.cjs", "two words/1/flags", "two words/1/one.cjs"])
  run("--root here two words", doubled, "double")
  run("two words", joined, "double")
  expect(kept()).toEqual([
    "join/1/flags",
    "join/1/one.cjs",
    "two words/2/flags",
    "two words/2/one.cjs",
    "two words/2/other.cjs",
  ])
  // what was not loaded this time stays
  run("two words", joined, "again")
  expect(kept().slice(2)).toEqual(["two words/3/flags", "two words/3/one.cjs", "two words/3/other.cjs"])
  expect(flagsOf("two words/3")).toBe("\ndouble\nagain\n")
})

it("of two processes that add something, one does, and the other the next time", () => {
  const slow = openParts(directory, "main.cjs", ["join"])
  slow.called("join", "slow")
  slow.load("./one.cjs")
  run("join", joined, "fast")
  slow.keep()
  expect([kept(), flagsOf("join/1")]).toEqual([["join/1/flags", "join/1/one.cjs"], "fast\n"])
  run("join", joined, "slow")
  expect(flagsOf("join/2")).toBe("fast\nslow\n")
})

it("a command that works for long keeps the code that it began with", () => {
  // V8 drops what six of its collections have not seen running
  const long = "for (let times = 0; times < 600; times++) new ArrayBuffer(4 << 20)"
  const lengths = ["short", "long"].map((words) => {
    run(words, joined, "", words === "long" ? long : "")
    run(words, joined, "more", words === "long" ? long : "")
    return fs.statSync(join(cache(), words, "2/one.cjs")).size
  })
  expect(lengths[1]).toBeGreaterThan(0.95 * (lengths[0] ?? NaN))
})

it.each([
  ["of another version of V8", (code: Buffer) => code.fill(0xa5, 0, 16)],
  ["that is cut off", (code: Buffer) => code.subarray(0, 100)],
  ["that is empty", () => Buffer.alloc(0)],
])("code %s is made anew", (_, damage) => {
  run("join", joined)
  const path = join(cache(), "join/1/one.cjs")
  fs.writeFileSync(path, damage(fs.readFileSync(path)))
  expect(run("join", joined)).toBe("a/b1")
  expect(kept()).toEqual(["join/2/flags", "join/2/one.cjs"])
  const remade = fs.readFileSync(join(cache(), "join/2/one.cjs"))
  expect(run("join", joined)).toBe("a/b1")
  expect(fs.readFileSync(join(cache(), "join/2/one.cjs")).equals(remade)).toBe(true)
})

it("where nothing can be kept, everything works", () => {
  fs.writeFileSync(join(directory, ".compiled"), "in the way")
  expect(run("join", joined)).toBe("a/b1")
  expect(run("join", joined)).toBe("a/b1")
})
