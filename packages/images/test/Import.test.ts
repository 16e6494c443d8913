import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { digestOfBytes } from "@cryopod/archive"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ImageStore, importImage } from "../src/index.ts"
import { compress, type Compression, type Host, temporaryHost, treeOf } from "./support.ts"

const onHost = <A, E>(test: (host: Host) => Effect.Effect<A, E>) => Effect.scoped(Effect.flatMap(temporaryHost, test))

const rootArchive = (host: Host): Uint8Array => {
  const directory = join(host.root, "rootfs-source")
  fs.mkdirSync(join(directory, "etc"), { recursive: true })
  fs.writeFileSync(join(directory, "etc", "passwd"), "root:x:0:0::/:/bin/sh\n".repeat(5000))
  fs.symlinkSync("etc/passwd", join(directory, "link"))
  fs.linkSync(join(directory, "etc", "passwd"), join(directory, "hard"))
  return execFileSync("tar", ["-C", directory, "-c", "."], { maxBuffer: 1 << 26 })
}

const options = { names: ["localhost/root:1"], changes: ['CMD ["sh"]', "ENV A=1"], message: "" }
const nothingOf = (host: Host) => [...treeOf(join(host.layout.images, "blobs")), ...treeOf(host.layout.temporary)]

describe("import", () => {
  it.live.each<readonly [Compression, string]>([
    ["none", "application/vnd.oci.image.layer.v1.tar"],
    ["gzip", "application/vnd.oci.image.layer.v1.tar+gzip"],
    ["zstd", "application/vnd.oci.image.layer.v1.tar+zstd"],
  ])("keeps an archive with compression %s as the layer", ([compression, mediaType]) =>
    onHost((host) =>
      Effect.gen(function* () {
        const archive = rootArchive(host)
        const bytes = compress(archive, compression)
        fs.writeFileSync(join(host.root, "root.tar"), bytes)
        const image = yield* importImage({ _tag: "File", path: join(host.root, "root.tar") }, options)
        expect(image.layers).toEqual([
          { digest: digestOfBytes(bytes), diffId: digestOfBytes(archive), mediaType, sizeBytes: bytes.length },
        ])
        expect(image).toMatchObject({
          names: ["localhost/root:1"],
          os: "linux",
          architecture: process.arch === "x64" ? "amd64" : process.arch,
        })
        const store = yield* ImageStore
        expect(fs.readFileSync(store.blobPath(digestOfBytes(bytes)))).toEqual(Buffer.from(bytes))
        const config = yield* store.config(image)
        expect(config.config).toEqual({ Cmd: ["sh"], Env: ["A=1"] })
        expect(config.history?.[0]?.comment).toBe("imported from tarball")
        expect(Date.parse(image.created)).toBeGreaterThan(Date.parse("2026-01-01"))
        expect(treeOf(host.layout.temporary)).toEqual([])
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("takes a stream", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const archive = rootArchive(host)
        const pieces = Array.from({ length: Math.ceil(archive.length / 1000) }, (_, at) =>
          archive.subarray(at * 1000, (at + 1) * 1000),
        )
        const image = yield* importImage(
          { _tag: "Stream", bytes: Stream.fromIterable(pieces) },
          { ...options, names: [], message: "from afar" },
        )
        expect(image.layers[0]?.diffId).toBe(digestOfBytes(archive))
        expect(image.names).toEqual([])
        expect((yield* ImageStore.use((store) => store.config(image))).history?.[0]?.comment).toBe("from afar")
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live.each<readonly [string, (archive: Uint8Array) => Uint8Array, string, string]>([
    ["a truncated archive", (archive) => archive.subarray(0, archive.length >> 1), "ArchiveInvalid", "nexpected EOF"],
    [
      "a truncated gzip archive",
      (archive) => compress(archive, "gzip").subarray(0, 500),
      "ArchiveInvalid",
      "nexpected end",
    ],
    [
      "a truncated zstd archive",
      (archive) => compress(archive, "zstd").subarray(0, 200),
      "ArchiveInvalid",
      "nexpected end",
    ],
    [
      "a damaged gzip archive",
      (archive) => Buffer.from(compress(archive, "gzip")).fill(7, 100, 200),
      "ArchiveInvalid",
      "",
    ],
    ["a file that is no archive", () => Buffer.alloc(4096, "nonsense"), "ArchiveInvalid", ""],
    ["an empty file", () => new Uint8Array(), "ArchiveInvalid", "nothing in it"],
    ["an archive of nothing", () => new Uint8Array(10_240), "ArchiveInvalid", "nothing in it"],
    [
      "an xz archive",
      () => Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4]),
      "ArchiveInvalid",
      "xz compression is not supported",
    ],
  ])("refuses %s and leaves nothing", ([, make, tag, text]) =>
    onHost((host) =>
      Effect.gen(function* () {
        const path = join(host.root, "root.tar")
        fs.writeFileSync(path, make(rootArchive(host)))
        const failure = yield* Effect.flip(importImage({ _tag: "File", path }, options))
        expect(failure._tag).toBe(tag)
        expect(failure.message).toContain(text)
        expect(failure.message).toContain(path)
        expect(nothingOf(host)).toEqual([])
        expect(yield* ImageStore.use((store) => store.list)).toEqual([])
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live.each([
    ["a file that is not there", "none.tar", "no such file or directory"],
    ["a directory", ".", "is a directory"],
  ] as const)("refuses %s", ([, name, text]) =>
    onHost((host) =>
      Effect.gen(function* () {
        const failure = yield* Effect.flip(importImage({ _tag: "File", path: join(host.root, name) }, options))
        expect(failure.message).toContain(text)
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("refuses a bad instruction before it reads anything", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const failure = yield* Effect.flip(
          importImage({ _tag: "File", path: "/none" }, { ...options, changes: ["RUN x"] }),
        )
        expect(failure._tag).toBe("OptionInvalid")
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("leaves nothing when it is interrupted", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const archive = rootArchive(host)
        const endless = Stream.concat(Stream.make(archive.subarray(0, 5000)), Stream.never)
        const outcome = yield* Effect.timeoutOption(
          importImage({ _tag: "Stream", bytes: endless }, options),
          "200 millis",
        )
        expect(outcome._tag).toBe("None")
        expect(nothingOf(host)).toEqual([])
      }).pipe(Effect.provide(host.layer)),
    ),
  )
})
