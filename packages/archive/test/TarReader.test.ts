import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import * as tar from "tar-stream"
import { afterAll, describe, expect, it } from "vitest"
import type { TarType } from "../src/index.ts"
import { tarHeader } from "./tarHeader.ts"
import { archive, extended, forged, gather, header, member, names, pieces, readAll, type Sample } from "./tars.ts"

const directory = fs.mkdtempSync(join(tmpdir(), "cryopod-tar-"))
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

const latin1 = (text: string) => Buffer.from(text).toString("latin1")

describe("members that GNU tar wrote", () => {
  const root = join(directory, "gnu")
  const long = "directory with a long name/".repeat(12)
  fs.mkdirSync(join(root, long), { recursive: true })
  fs.writeFileSync(join(root, long, "file"), "deep")
  fs.writeFileSync(join(root, "plain"), "hello")
  fs.writeFileSync(join(root, "ünïcode"), "")
  fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x62, 0xff, 0xfe])]), "bytes")
  fs.linkSync(join(root, "plain"), join(root, "second"))
  fs.symlinkSync(`${long}file`, join(root, "soft"))
  execFileSync("mkfifo", [join(root, "pipe")])
  execFileSync("touch", ["-d", "@-86400.25", join(root, "plain")])
  const made = (...options: ReadonlyArray<string>) =>
    execFileSync("tar", ["-C", root, ...options, "-c", "--sort=name", "."], { maxBuffer: 1 << 26 })

  it.each([["--format=pax"], ["--format=gnu"]])(
    "%s: names, types, links and contents are those of the files",
    async (format) => {
      const read = await readAll(pieces(made(format), 777))
      const found = new Map(read.map((one) => [one.name, one]))
      expect(found.get("./")?.type).toBe("directory")
      expect(found.get(`./${long}file`)?.bytes.toString()).toBe("deep")
      expect(found.get(`./${latin1("ünïcode")}`)?.sizeBytes).toBe(0)
      expect(found.get("./b\u00ff\u00fe")?.bytes.toString()).toBe("bytes")
      expect(found.get("./second")).toMatchObject({ type: "link", linkName: "./plain", sizeBytes: 0 })
      expect(found.get("./soft")).toMatchObject({ type: "symlink", linkName: `${long}file` })
      expect(found.get("./pipe")?.type).toBe("fifo")
      expect(Number(found.get("./plain")?.modified)).toBeCloseTo(format === "--format=pax" ? -86_400.25 : -86_401, 3)
      expect(read.length).toBe(Number(execFileSync("sh", ["-c", `find '${root}' | wc -l`])))
    },
  )

  it("keeps attributes byte for byte", async () => {
    const file = join(directory, "attributes")
    fs.writeFileSync(file, "x")
    execFileSync("setfattr", ["-n", "user.note", "-v", "0x000affff3d0a20", file])
    const [read] = await readAll(
      pieces(execFileSync("tar", ["-C", directory, "--format=pax", "--xattrs", "-c", "attributes"]), 512),
    )
    expect(Buffer.from(read?.records.get("SCHILY.xattr.user.note") ?? "", "latin1").toString("hex")).toBe(
      "000affff3d0a20",
    )
  })

  it("knows a sparse file by its own name and length", async () => {
    const file = join(directory, "sparse")
    const fd = fs.openSync(file, "w")
    fs.writeSync(fd, "end", 50_000_000)
    fs.closeSync(fd)
    const [read] = await readAll(
      pieces(execFileSync("tar", ["-C", directory, "--format=pax", "--sparse", "-c", "sparse"]), 4096),
    )
    expect(read).toMatchObject({ name: "sparse", type: "file", sparseBytes: 50_000_003 })
    expect(read?.sizeBytes).toBeLessThan(100_000)
  })
})

it("reads what tar-stream writes", async () => {
  const pack = tar.pack()
  pack.entry({ name: "a/b", mode: 0o640, uid: 7, gid: 8, mtime: new Date(5000) }, "content")
  pack.entry({ name: "ü".repeat(120) }, "long")
  pack.finalize()
  const read = await readAll(pieces(await gather(pack as unknown as AsyncIterable<Uint8Array>), 100))
  expect(read[0]).toMatchObject({ name: "a/b", mode: 0o640, uid: 7, gid: 8, modified: "5" })
  expect(read[1]?.name).toBe(latin1("ü".repeat(120)))
})

describe("headers of our own", () => {
  const types: ReadonlyArray<TarType> = [
    "file",
    "link",
    "symlink",
    "character-device",
    "block-device",
    "directory",
    "fifo",
  ]
  // a path has no zero byte; one that ends in a slash is a directory's
  const path = fc
    .array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 300 })
    .map((bytes) => Buffer.from(bytes).toString("latin1").replaceAll(/\/+$/g, "x"))
  const content = fc.uint8Array({ maxLength: 2000 })
  const samples = fc.record({
    name: path,
    type: fc.constantFrom(...types),
    linkName: path,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    gid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    modified: fc.oneof(fc.nat({ max: 2 ** 31 }).map(String), fc.constantFrom("-5", "1700000000.123456789")),
    attribute: fc.option(path),
    content,
  })

  it("are read as they were written, in pieces of any length", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(samples, { maxLength: 5 }), fc.integer({ min: 1, max: 5000 }), async (list, size) => {
        const written = list.map(({ attribute, content: bytes, ...header }): Sample => {
          const isLink = header.type === "link" || header.type === "symlink"
          return {
            ...header,
            linkName: isLink ? header.linkName : "",
            records: new Map(attribute === null ? [] : [["SCHILY.xattr.user.a", attribute]]),
            content: header.type === "file" ? bytes : "",
          }
        })
        const read = await readAll(pieces(archive(...written), size))
        expect(read.length).toBe(written.length)
        for (const [at, one] of written.entries()) {
          const { content: bytes = "", records, ...header } = one
          const found = read[at]
          expect(found).toMatchObject({
            ...header,
            name: header.type === "directory" ? `${header.name}/` : header.name,
          })
          expect(found?.bytes.equals(Buffer.from(bytes))).toBe(true)
          expect(found?.records.get("SCHILY.xattr.user.a")).toBe(records?.get("SCHILY.xattr.user.a"))
        }
      }),
      { numRuns: 150 },
    )
  })

  it("are understood by GNU tar", () => {
    const file = join(directory, "ours.tar")
    const long = `${"d/".repeat(150)}file`
    fs.writeFileSync(
      file,
      archive(
        { name: long, content: "x" },
        { name: "b\u00ff\u00fe", content: "bytes" },
        { name: "l", type: "symlink", linkName: long },
        { name: "dev", type: "character-device", device: { major: 1, minor: 3 } },
        { name: "old", modified: "-5", content: "old" },
      ),
    )
    const listed = execFileSync("tar", ["--list", "--quoting-style=literal", "-f", file], { encoding: "latin1" })
    expect(listed.split("\n").slice(0, 5)).toEqual([long, "b\u00ff\u00fe", "l", "dev", "old"])
  })
})

/** Every way an archive can be wrong, each with what is said of it. */
describe("an archive that", () => {
  const whole = archive({ name: "first", content: "1" }, { name: "second", content: "x".repeat(2000) })
  const wrong: ReadonlyArray<readonly [string, Buffer, string]> = [
    ["is empty", Buffer.alloc(0), "nothing in it"],
    ["is text", Buffer.from("not a tar archive\n".repeat(100)), "is no tar archive"],
    ["ends in a header", whole.subarray(0, 600 + 512), "unexpected EOF"],
    ["ends in a content", whole.subarray(0, 512 + 512 + 512 + 100), 'second": unexpected EOF'],
    ["ends between two members", whole.subarray(0, 1024), "unexpected EOF"],
    ["has one empty block at its end", whole.subarray(0, whole.length - 512), "an empty block among others"],
    ["has a wrong checksum", Buffer.from(whole).fill("z", 0, 1), "is damaged"],
    ["has letters for a size", Buffer.concat([forged(header({ name: "a" }), 124, "99x"), whole]), "a damaged number"],
    [
      "has a size beyond all numbers",
      Buffer.concat([
        forged(header({ name: "a" }), 124, "\u0080\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff"),
        whole,
      ]),
      "out of range",
    ],
    [
      "has a negative size",
      Buffer.concat([forged(header({ name: "a" }), 124, "\u00ff".repeat(12)), whole]),
      "out of range",
    ],
    [
      "has an unknown type",
      Buffer.concat([forged(header({ name: "a" }), 156, "S"), whole]),
      "a type that is not known",
    ],
    [
      "has an extended header without end",
      Buffer.concat([extended("30 path=short\n"), whole]),
      "damaged extended header",
    ],
    [
      "has an extended header of length zero",
      Buffer.concat([extended("0 path=x\n"), whole]),
      "damaged extended header",
    ],
    [
      "has an extended header of negative length",
      Buffer.concat([extended("-9 path=x\n"), whole]),
      "damaged extended header",
    ],
    ["has an extended header without a value", Buffer.concat([extended("7 path\n"), whole]), "damaged extended header"],
    [
      "has words for a size",
      Buffer.concat([extended("15 size=twelve\n"), header({ name: "a" }), whole]),
      '"twelve" for size',
    ],
    [
      "announces a header of a gigabyte",
      Buffer.concat([
        forged(forged(header({ name: "huge" }), 156, "x"), 124, (2 ** 30).toString(8).padStart(11, "0")),
        Buffer.alloc(1 << 20),
      ]),
      "a header of more than",
    ],
    [
      "announces a long name of a gigabyte",
      Buffer.concat([
        forged(forged(header({ name: "huge" }), 156, "L"), 124, (2 ** 30).toString(8).padStart(11, "0")),
        Buffer.alloc(1 << 20),
      ]),
      "a header of more than",
    ],
    [
      "has thousands of headers for one member",
      Buffer.concat(Array.from({ length: 3000 }, () => extended("9 a=bbbb\n"))),
      "a header of more than",
    ],
    [
      "has a sparse file of the old form",
      Buffer.concat([extended("22 GNU.sparse.size=10\n"), header({ name: "a" }), whole]),
      "a form that is not known",
    ],
    ["goes on for ever", Buffer.concat([whole, Buffer.alloc(20 << 20)]), "goes on behind its end"],
  ]

  it.each(wrong)("%s is refused", async (_, bytes, text) => {
    const failure = (await names(pieces(bytes, 10_000)).catch((cause: unknown) => cause)) as Error & { member?: string }
    expect(failure).toBeInstanceOf(Error)
    expect(`${JSON.stringify(failure.member ?? "")}: ${failure.message}`).toContain(text)
  })

  it("is cut off anywhere never reads as a whole one", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (length) => {
        await expect(names(pieces(whole.subarray(0, length), 1000))).rejects.toThrow(/EOF|empty block|nothing in it/)
      }),
      { numRuns: 60 },
    )
  })

  it("is any bytes at all ends in an answer, and never in a crash", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) }), { maxLength: 20 }),
        async (changes) => {
          const bytes = Buffer.from(whole)
          for (const { at, byte } of changes) bytes[at] = byte
          const outcome: unknown = await readAll(pieces(bytes, 700)).catch((cause: unknown) => cause)
          expect(Array.isArray(outcome) || (outcome as Error).name === "TarInvalid").toBe(true)
        },
      ),
      { numRuns: 300 },
    )
  })
})

it("applies global records to the members behind them, and takes an empty record for none", async () => {
  const globals = extended("12 uid=4711\n", "g")
  const taken = Buffer.concat([extended("7 uid=\n"), member({ name: "b", uid: 5 })])
  const read = await readAll(pieces(archive(globals, { name: "a" }, taken), 512))
  expect(read.map(({ name, uid }) => [name, uid])).toEqual([
    ["a", 4711],
    ["b", 5],
  ])
})

it("passes over what nobody reads", async () => {
  const big = archive({ name: "a", content: Buffer.alloc(3 << 20, "a") }, { name: "b", content: "b" })
  expect(await names(pieces(big, 1 << 16))).toEqual(["a", "b"])
})

it("writes numbers that do not fit a header where they do", () => {
  const header = tarHeader({
    name: "big",
    type: "file",
    sizeBytes: 2 ** 40,
    linkName: "",
    mode: 0o600,
    uid: 2 ** 31,
    gid: 0,
    modified: "0",
    device: { major: 0, minor: 0 },
    records: new Map(),
  })
  expect(Buffer.from(header).toString("latin1")).toContain(`size=${2 ** 40}\n`)
  expect(Buffer.from(header).toString("latin1")).toContain(`uid=${2 ** 31}\n`)
})
