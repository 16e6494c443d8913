import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as zlib from "node:zlib"
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import { describe, expect } from "vitest"
import { decompressed, unpack, type UnpackFailure, type UnpackRules } from "../src/index.ts"
import { archive, extended, forged, header, member, pieces } from "./tars.ts"

/** A directory of ours to unpack into, beside a file that nothing may touch. */
const place = Effect.acquireRelease(
  Effect.sync(() => {
    const root = fs.mkdtempSync(join(tmpdir(), "cryopod-unpack-"))
    fs.mkdirSync(join(root, "target"))
    fs.writeFileSync(join(root, "planted"), "untouched")
    return root
  }),
  (root) => Effect.sync(() => fs.rmSync(root, { recursive: true, force: true })),
)

const rules: UnpackRules = {
  archive: "some.tar",
  accepts: (name) => /^(?:file|directory)(?:\/|$)/.test(name),
  maxMemberBytes: (name) => (name === "file" ? 1000 : undefined),
  links: { "directory/parent": "../before" },
  maxMembers: 20,
  maxBytes: 1 << 20,
}

const unpacked = (root: string, bytes: Uint8Array) =>
  unpack(decompressed(pieces(bytes, 4000)), join(root, "target"), rules)

const everything = (directory: string): ReadonlyArray<string> =>
  fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .toSorted()

it.effect("takes files and directories, the links that are known, and passes over what is not", () =>
  Effect.gen(function* () {
    const root = yield* place
    const result = yield* unpacked(
      root,
      archive(
        { name: "./directory/", type: "directory" },
        { name: "directory/a", content: "content", mode: 0o777 },
        { name: "directory/parent", type: "symlink", linkName: "../before" },
        { name: "directory//b/./c", content: "deep" },
        { name: "unknown", content: "x" },
        { name: "strange\ndevice", type: "block-device", device: { major: 8, minor: 0 } },
        { name: "file", content: Buffer.alloc(1000, "y") },
      ),
    )
    expect(result).toEqual({
      members: ["directory", "directory/a", "directory/parent", "directory/b/c", "file"],
      passedOver: ["unknown", "strange\ndevice"],
    })
    const target = join(root, "target")
    expect(everything(target)).toEqual([
      "directory",
      "directory/a",
      "directory/b",
      "directory/b/c",
      "directory/parent",
      "file",
    ])
    expect(fs.readFileSync(join(target, "directory/a"), "utf8")).toBe("content")
    expect(fs.statSync(join(target, "directory/a")).mode & 0o777).toBe(0o600)
    expect(fs.readlinkSync(join(target, "directory/parent"))).toBe("../before")
  }).pipe(Effect.scoped),
)

describe("an archive from a stranger", () => {
  const sparse = new Map([
    ["GNU.sparse.major", "1"],
    ["GNU.sparse.minor", "0"],
    ["GNU.sparse.name", "file"],
    ["GNU.sparse.realsize", String(2 ** 50)],
  ])
  const attacks: ReadonlyArray<readonly [string, Buffer, string]> = [
    ["with an absolute name", archive({ name: "/etc/passwd", content: "x" }), '"/etc/passwd" has an absolute name'],
    ["that climbs out", archive({ name: "directory/../../planted", content: "x" }), "leaves the archive"],
    [
      "that climbs out of what is passed over",
      archive({ name: "x/../../planted", content: "x" }),
      "leaves the archive",
    ],
    [
      "that climbs out by an extended name",
      archive(Buffer.concat([extended("25 path=../../../planted\n"), member({ name: "file", content: "x" })])),
      "leaves the archive",
    ],
    [
      "with a link out and a file through it",
      archive(
        { name: "directory/out", type: "symlink", linkName: "../.." },
        { name: "directory/out/planted", content: "x" },
      ),
      '"directory/out" is a symlink',
    ],
    [
      "with the known link to another place",
      archive(
        { name: "directory/parent", type: "symlink", linkName: "../.." },
        { name: "directory/parent/planted", content: "x" },
      ),
      '"directory/parent" leads to "../.."',
    ],
    [
      "that writes through the known link",
      archive(
        { name: "directory/parent", type: "symlink", linkName: "../before" },
        { name: "directory/parent/planted", content: "x" },
      ),
      '"directory/parent" is there twice',
    ],
    ["with a hard link", archive({ name: "file", type: "link", linkName: "../planted" }), '"file" is a link'],
    [
      "with a device",
      archive({ name: "file", type: "block-device", device: { major: 8, minor: 0 } }),
      '"file" is a block-device',
    ],
    ["with a pipe", archive({ name: "directory/p", type: "fifo" }), "is a fifo"],
    [
      "with one file twice",
      archive({ name: "file", content: "1" }, { name: "./file", content: "2" }),
      '"file" is there twice',
    ],
    [
      "with a file and then a directory of one name",
      archive({ name: "file", content: "1" }, { name: "file/", type: "directory" }),
      "was a file before",
    ],
    [
      "with a file inside of a file",
      archive({ name: "file", content: "1" }, { name: "file/x", content: "2" }),
      "was a file before",
    ],
    [
      "with a sparse file of a petabyte",
      archive({ name: "file", records: sparse, sparseBytes: 2 ** 50, content: "0\n" }),
      "is a sparse file",
    ],
    [
      "that announces a petabyte",
      forged(header({ name: "directory/a" }), 124, "\u0080\0\0\0\0\u0004\0\0\0\0\0\0"),
      "brings the archive over",
    ],
    [
      "that brings more than there is room for",
      archive({ name: "directory/a", content: Buffer.alloc(600_000) }, { name: "x", content: Buffer.alloc(600_000) }),
      '"x" brings the archive over',
    ],
    [
      "with a document that is too long",
      archive({ name: "file", content: Buffer.alloc(1001) }),
      '"file" has more than 1000 bytes',
    ],
    [
      "with a size that is too big for its content",
      archive(Buffer.concat([member({ name: "file", sizeBytes: 900 }), Buffer.alloc(0)])),
      "unexpected EOF",
    ],
    [
      "with more members than anybody needs",
      archive(...Array.from({ length: 30 }, (_, at) => ({ name: `directory/${at}` }))),
      '"directory/20" is one of more than 20',
    ],
    ["with ten million tiny members that nobody asked for", tiny(10_000_000), "is one of more than 20"],
    ["with a name of a megabyte", archive({ name: `directory/${"n".repeat(1 << 20)}` }), "a header of more than"],
    [
      "with a zero byte in an extended name",
      archive(Buffer.concat([extended("15 path=file\0a\n"), member({ name: "file" })])),
      "zero byte",
    ],
    [
      "that is cut off",
      archive({ name: "file", content: Buffer.alloc(900) }).subarray(0, 700),
      '"file": unexpected EOF',
    ],
    [
      "that is cut off in gzip",
      zlib.gzipSync(archive({ name: "directory/a", content: noise(5000) })).subarray(0, 2000),
      '"directory/a": gzip data',
    ],
    [
      "that is cut off in zstd",
      zlib.zstdCompressSync(archive({ name: "directory/a", content: noise(900_000) })).subarray(0, 500_000),
      "zstd data",
    ],
    [
      "in another compression than its head says",
      Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), archive({ name: "file" })]),
      "zstd data",
    ],
    ["in xz", Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 0, 0, 0]), "xz compression is not supported"],
    ["of compressed zeros without end", zlib.gzipSync(Buffer.alloc(64 << 20)), "behind its end"],
  ]

  it.effect.each(attacks)("%s is one clear error, and nothing else happens", ([, bytes, text]) =>
    Effect.gen(function* () {
      const root = yield* place
      const failure: UnpackFailure = yield* Effect.flip(unpacked(root, bytes))
      expect(failure.message).toContain(text)
      expect(["MemberUnsafe", "ArchiveInvalid"]).toContain(failure._tag)
      expect(fs.readFileSync(join(root, "planted"), "utf8")).toBe("untouched")
      expect(everything(root).filter((path) => !path.startsWith("target"))).toEqual(["planted"])
    }).pipe(Effect.scoped),
  )

  it.effect("never leaves the target, whatever its members are called and are", () =>
    Effect.gen(function* () {
      const root = yield* place
      const part = fc.constantFrom("..", ".", "", "file", "directory", "parent", "planted", "target", "a")
      const name = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/"))
      const samples = fc.array(
        fc.record({
          name,
          linkName: name,
          type: fc.constantFrom("file", "directory", "symlink", "link", "fifo"),
          content: fc.constantFrom("", "overwritten"),
        }),
        { maxLength: 6 },
      )
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(samples, async (list) => {
            fs.rmSync(join(root, "target"), { recursive: true })
            fs.mkdirSync(join(root, "target"))
            const bytes = archive(...list.map((one) => (one.type === "file" ? one : { ...one, content: "" })))
            await Effect.runPromise(Effect.ignore(unpacked(root, bytes)))
            expect(fs.readFileSync(join(root, "planted"), "utf8")).toBe("untouched")
            expect(everything(root).filter((path) => !path.startsWith("target"))).toEqual(["planted"])
          }),
          { numRuns: 300 },
        ),
      )
    }).pipe(Effect.scoped),
  )
})

/** Bytes that do not compress. */
function noise(length: number): Buffer {
  let state = 1
  return Buffer.from(Uint8Array.from({ length }, () => (state = (state * 48_271) % 2_147_483_647) >> 8))
}

/** An archive of many members with one header each, whose end is never reached. */
function tiny(count: number): Buffer {
  const one = header({ name: "t" })
  return Buffer.alloc(Math.min(count * 512, 64 << 20), one)
}
