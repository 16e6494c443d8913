/** Real skopeo, a real registry on loopback, real archives. */
import { spawn, execFileSync } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { digestOfBytes } from "@cryopod/archive"
import { type ArchiveDestination, StorageFailed, defaultCriuRestore } from "@cryopod/entities"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import {
  checkpointLayer,
  createCheckpointImage,
  documentBytes,
  goArchitecture,
  hexOf,
  ImageStore,
  importImage,
  loadImages,
  mediaTypes,
  pullImage,
  pushImage,
  RootFilesystems,
  saveImage,
  type StoredImage,
} from "../src/index.ts"
import { type Registry, startGuard, startRegistry } from "./registries.ts"
import {
  busyboxArchive,
  compress,
  type Compression,
  type Host,
  insertSmall,
  smallImage,
  temporaryHost,
  treeOf,
} from "./support.ts"

const found = (program: string) => {
  try {
    return execFileSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).trim()
  } catch {
    return undefined
  }
}
const missing = ["skopeo", "umoci", "docker-registry", "busybox"].filter((program) => found(program) === undefined)

const access = { tlsVerify: false, authfile: "", creds: "" }
const secure = { ...access, tlsVerify: true }
const acceptAll = { archive: "layer", accepts: () => true, maxMembers: 1000, maxBytes: 1 << 30 }
const pages = Buffer.alloc(3 << 20, "pages of memory ")

const file = (path: string): ArchiveDestination => ({ _tag: "File", path })
/** Collects copies of the blocks it is given, as these are used again. */
const into = (blocks: Array<Uint8Array>): ArchiveDestination => ({
  _tag: "Stream",
  write: (block) => Effect.sync(() => void blocks.push(Uint8Array.from(block))),
})

const onHost = <A, E>(test: (host: Host) => Effect.Effect<A, E>) => Effect.scoped(Effect.flatMap(temporaryHost, test))
/** Work on a host of its own. */
const at = <A, E, R>(host: Host, work: Effect.Effect<A, E, R>) =>
  Effect.provide(work, host.layer) as Effect.Effect<A, E>

const stageCheckpoint = (host: Host): string => {
  const directory = join(host.layout.temporary, "staged")
  fs.mkdirSync(join(directory, "checkpoint"), { recursive: true })
  fs.writeFileSync(join(directory, "checkpoint", "pages-1.img"), pages)
  fs.writeFileSync(join(directory, "config.dump"), "{}")
  return directory
}

const describedAs = (name: string) => ({
  name,
  annotations: { "io.podman.annotations.checkpoint.name": "web" },
  architecture: "amd64",
  created: "2026-01-02T03:04:05.000Z",
  needs: defaultCriuRestore,
})

const newCheckpoint = (host: Host, name: string) =>
  Effect.suspend(() => createCheckpointImage(stageCheckpoint(host), describedAs(name)))

const importBusybox = (host: Host, name: string, compression: Compression = "none") =>
  Effect.suspend(() => {
    const archive = busyboxArchive(fs.mkdtempSync(join(host.root, "src-")))
    fs.writeFileSync(archive, compress(fs.readFileSync(archive), compression))
    return importImage({ _tag: "File", path: archive }, { names: [name], changes: ['CMD ["sh"]'], message: "" })
  })

const nothingLeft = (host: Host) =>
  expect([...treeOf(host.layout.temporary), ...treeOf(join(host.layout.images, "blobs", "sha256"))]).toEqual([])

const readPages = (image: StoredImage) =>
  Effect.map(checkpointLayer(image.id, acceptAll), (directory) =>
    fs.readFileSync(join(directory, "checkpoint", "pages-1.img")).equals(pages),
  )

/** A layout with one image for two platforms; the id of this host's. */
const writePlatforms = (directory: string): string => {
  const blobs = join(directory, "blobs", "sha256")
  fs.mkdirSync(blobs, { recursive: true })
  const write = (bytes: Uint8Array, mediaType: string) => {
    const digest = digestOfBytes(bytes)
    fs.writeFileSync(join(blobs, hexOf(digest)), bytes)
    return { mediaType, digest, size: bytes.length }
  }
  const mine = goArchitecture(process.arch)
  const images = ["s390x", mine].map((architecture) => {
    const image = smallImage({ content: architecture })
    write(image.layer, "")
    write(image.config, "")
    const descriptor = write(image.manifest, mediaTypes.manifest)
    return { id: image.id, entry: Object.assign(descriptor, { platform: { os: "linux", architecture } }) }
  })
  const index = write(
    documentBytes({
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: images.map(({ entry }) => entry),
    }),
    mediaTypes.index,
  )
  fs.writeFileSync(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}')
  fs.writeFileSync(
    join(directory, "index.json"),
    documentBytes({
      schemaVersion: 2,
      manifests: [{ ...index, annotations: { "org.opencontainers.image.ref.name": "several" } }],
    }),
  )
  return images.at(-1)?.id ?? ""
}

describe.skipIf(missing.length > 0)(
  `transports${missing.length > 0 ? ` (missing: ${missing.join(", ")})` : ""}`,
  () => {
    let registry: Registry
    beforeAll(async () => {
      registry = await startRegistry()
    })
    afterAll(() => registry.stop())

    const manifestAt = async (name: string, tag: string) => {
      const answer = await fetch(`http://${registry.address}/v2/${name}/manifests/${tag}`, {
        headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
      })
      return (await answer.json()) as {
        layers: ReadonlyArray<{ mediaType: string; digest: string }>
        annotations?: Record<string, string>
        config: { digest: string }
      }
    }

    it.live.each<readonly [string, "gzip" | "zstd" | undefined, string]>([
      ["gzip unless told otherwise", undefined, "gzip"],
      ["gzip", "gzip", "gzip"],
      ["zstd", "zstd", "zstd"],
    ])("a checkpoint goes to a registry and thaws elsewhere: %s", ([, format, compression]) =>
      onHost((here) =>
        onHost((there) =>
          Effect.gen(function* () {
            const name = `${registry.address}/checkpoints/web-${compression}:1`
            const made = yield* at(here, newCheckpoint(here, "localhost/web:1"))
            yield* at(
              here,
              pushImage(made.id, name, { access, ...(format === undefined ? {} : { compressionFormat: format }) }),
            )
            const remote = yield* Effect.promise(() => manifestAt(`checkpoints/web-${compression}`, "1"))
            expect(remote.layers[0]?.mediaType).toBe(`application/vnd.oci.image.layer.v1.tar+${compression}`)
            expect(remote.annotations).toEqual(made.annotations)

            const pulled = yield* at(there, pullImage(name, access))
            expect(pulled).toMatchObject({ id: made.id, names: [name], annotations: made.annotations })
            expect(pulled.layers[0]).toMatchObject({ diffId: made.layers[0]?.diffId, digest: remote.layers[0]?.digest })
            expect(yield* at(there, readPages(pulled))).toBe(true)
            expect(treeOf(there.layout.temporary)).toEqual([])
            expect(treeOf(here.layout.temporary)).toEqual([])
          }),
        ),
      ),
    )

    it.live("what is in the store is not fetched again, and a pull by digest finds it", () =>
      onHost((host) =>
        Effect.gen(function* () {
          const image = yield* importBusybox(host, "localhost/bb:1", "gzip")
          yield* pushImage(image.id, `${registry.address}/bb:1`, { access })
          // nor waited for what another image still needs
          yield* ImageStore.use((store) => store.addPending(stageCheckpoint(host), describedAs("localhost/web:1")))
          const pulled = yield* pullImage(`${registry.address}/bb@${image.manifestDigest}`, access)
          expect(pulled.id).toBe(image.id)
          expect(pulled.names).toEqual([`${registry.address}/bb@${image.manifestDigest}`, "localhost/bb:1"].toSorted())
          expect(treeOf(join(host.layout.layers, "pending"))).not.toEqual([])
          expect(
            (yield* ImageStore.use((store) => store.resolve(`${registry.address}/bb@${image.manifestDigest}`))).id,
          ).toBe(image.id)
          expect(treeOf(join(host.layout.images, "blobs", "sha256"))).toHaveLength(3)
        }).pipe(Effect.provide(host.layer)),
      ),
    )

    it.live("a pull that fails leaves nothing and says why", () =>
      onHost((host) =>
        Effect.gen(function* () {
          const unknown = yield* Effect.flip(pullImage(`${registry.address}/none:1`, access))
          expect(unknown._tag).toBe("TransportFailed")
          expect(unknown.message).toContain("manifest unknown")
          expect(unknown.message).not.toContain("level=fatal")
          const plain = yield* Effect.flip(pullImage(`${registry.address}/bb:1`, secure))
          expect(plain.message).toContain("server gave HTTP response to HTTPS client")
          nothingLeft(host)
        }).pipe(Effect.provide(host.layer)),
      ),
    )

    it.live("a damaged blob of a layout is refused and nothing is left", () =>
      onHost((here) =>
        onHost((there) =>
          Effect.gen(function* () {
            const image = yield* at(here, importBusybox(here, "localhost/bb:1", "gzip"))
            const directory = join(here.root, "layout")
            yield* at(
              here,
              saveImage(image.id, { destination: file(directory), format: "oci-dir", name: "bb:1", mode: 0o644 }),
            )
            const blob = join(directory, "blobs/sha256", hexOf(image.layers[0]?.digest ?? ""))
            const bytes = fs.readFileSync(blob)
            bytes[1000] = (bytes[1000] ?? 0) ^ 1
            fs.writeFileSync(blob, bytes)
            const failure = yield* Effect.flip(at(there, loadImages({ _tag: "File", path: directory })))
            expect(failure.message).toContain("is damaged")
            nothingLeft(there)
          }),
        ),
      ),
    )

    it.live("an interrupted pull ends skopeo and leaves nothing", () =>
      onHost((host) =>
        Effect.gen(function* () {
          // a registry that never answers
          const silent = createServer()
          silent.listen(0, "127.0.0.1")
          yield* Effect.promise(() => once(silent, "listening"))
          const { port } = silent.address() as { port: number }
          const outcome = yield* Effect.timeoutOption(pullImage(`127.0.0.1:${port}/a:1`, access), "500 millis")
          silent.close()
          expect(outcome._tag).toBe("None")
          nothingLeft(host)
          expect(
            execFileSync("sh", ["-c", `ps -eo args | grep -F '127.0.0.1:${port}/a' | grep -v grep || true`], {
              encoding: "utf8",
            }),
          ).toBe("")
        }).pipe(Effect.provide(host.layer)),
      ),
    )

    it.live("a pull that is killed leaves what the next command sweeps", () =>
      onHost((host) =>
        Effect.gen(function* () {
          const silent = createServer()
          silent.listen(0, "127.0.0.1")
          yield* Effect.promise(() => once(silent, "listening"))
          const { port } = silent.address() as { port: number }
          const script = join(import.meta.dirname, "pullOnce.ts")
          const child = spawn(
            process.execPath,
            ["--conditions=cryopod-source", script, host.root, `127.0.0.1:${port}/a:1`],
            { stdio: "inherit" },
          )
          yield* Effect.promise(() => once(silent, "connection"))
          child.kill("SIGKILL")
          yield* Effect.promise(() => once(child, "exit"))
          expect(treeOf(host.layout.temporary)).not.toEqual([])
          silent.close()
          yield* insertSmall(["localhost/a:1"])
          expect(treeOf(host.layout.temporary)).toEqual([])
        }).pipe(Effect.provide(host.layer)),
      ),
    )

    it.live.each([["docker-archive"], ["oci-archive"], ["oci-dir"]] as const)(
      "a checkpoint saved as %s thaws elsewhere",
      ([format]) =>
        onHost((here) =>
          onHost((there) =>
            Effect.gen(function* () {
              const made = yield* at(here, newCheckpoint(here, "localhost/web:1"))
              const output = join(here.root, "saved")
              yield* at(
                here,
                saveImage(made.id, { destination: file(output), format, name: "localhost/web:1", mode: 0o600 }),
              )
              if (format !== "oci-dir") expect(fs.statSync(output).mode & 0o777).toBe(0o600)
              expect(treeOf(here.layout.temporary)).toEqual([])
              expect(fs.readdirSync(here.root).filter((name) => name.includes("tmp-"))).toEqual([])
              const [loaded] = yield* at(there, loadImages({ _tag: "File", path: output }))
              expect(loaded).toMatchObject({ names: ["localhost/web:1"], image: { id: made.id } })
              if (loaded === undefined) return
              expect({ ...loaded.image.labels, ...loaded.image.annotations }).toEqual(made.annotations)
              if (format !== "docker-archive") expect(loaded.image.manifestDigest).toBe(made.manifestDigest)
              expect(yield* at(there, readPages(loaded.image))).toBe(true)
              expect(treeOf(there.layout.temporary)).toEqual([])
              // what was saved does not hang on the store
              expect(
                treeOf(output).some(
                  (name) => fs.statSync(join(output, name)).nlink > 1 && fs.statSync(join(output, name)).isFile(),
                ),
              ).toBe(false)
            }),
          ),
        ),
    )

    it.live.each<readonly [Compression]>([["none"], ["gzip"], ["zstd"]])(
      "a saved archive is loaded from a stream with compression %s",
      ([compression]) =>
        onHost((here) =>
          onHost((there) =>
            Effect.gen(function* () {
              const image = yield* at(here, importBusybox(here, "localhost/bb:1"))
              for (const format of ["docker-archive", "oci-archive"] as const) {
                const output = join(here.root, format)
                yield* at(
                  here,
                  saveImage(image.id, { destination: file(output), format, name: "localhost/bb:1", mode: 0o644 }),
                )
                const bytes = Stream.make(compress(fs.readFileSync(output), compression))
                const loaded = yield* at(there, loadImages({ _tag: "Stream", bytes }))
                expect(loaded.map((one) => [one.image.id, one.names])).toEqual([[image.id, ["localhost/bb:1"]]])
              }
            }),
          ),
        ),
    )

    it.live("another tool reads what was saved and pushed", () =>
      onHost((host) =>
        Effect.gen(function* () {
          const made = yield* newCheckpoint(host, "localhost/web:1")
          const layout = join(host.root, "layout")
          yield* pushImage(made.id, `oci:${layout}:web`, { access })
          yield* saveImage(made.id, {
            destination: file(join(host.root, "web.tar")),
            format: "oci-archive",
            name: "web",
            mode: 0o600,
          })
          const inspect = (place: string) =>
            JSON.parse(execFileSync("skopeo", ["inspect", "--raw", place], { encoding: "utf8" })) as {
              layers: ReadonlyArray<{ digest: string }>
            }
          // both keep the layer as it is
          expect(inspect(`oci:${layout}:web`).layers[0]?.digest).toBe(made.layers[0]?.digest)
          expect(inspect(`oci-archive:${host.root}/web.tar:web`).layers[0]?.digest).toBe(made.layers[0]?.digest)
          const copied = join(host.root, "copied")
          execFileSync("skopeo", ["copy", "--quiet", `oci-archive:${host.root}/web.tar:web`, `dir:${copied}`])
          expect(digestOfBytes(fs.readFileSync(join(copied, "manifest.json")))).toBe(made.manifestDigest)
        }).pipe(Effect.provide(host.layer)),
      ),
    )

    it.live("pulls from layouts, archives and directories by their names", () =>
      onHost((here) =>
        onHost((there) =>
          Effect.gen(function* () {
            const one = yield* at(here, importBusybox(here, "localhost/bb:1", "gzip"))
            const two = yield* at(here, newCheckpoint(here, "localhost/web:1"))
            const layout = join(here.root, "layout")
            yield* at(here, pushImage(one.id, `oci:${layout}:bb`, { access }))
            yield* at(here, pushImage(two.id, `oci:${layout}:web`, { access }))
            const several = yield* Effect.flip(at(there, pullImage(`oci:${layout}`, access)))
            expect(several.message).toContain("several images")
            nothingLeft(there)
            expect((yield* at(there, pullImage(`oci:${layout}:web`, access))).names).toEqual(["localhost/web:latest"])
            yield* at(here, pushImage(one.id, `docker-archive:${here.root}/bb.tar:quay.io/a/bb:2`, { access }))
            expect((yield* at(there, pullImage(`docker-archive:${here.root}/bb.tar`, access))).names).toContain(
              "quay.io/a/bb:2",
            )
            yield* at(here, pushImage(one.id, `dir:${here.root}/bb`, { access }))
            expect((yield* at(there, pullImage(`dir:${here.root}/bb`, access))).id).toBe(one.id)
            const loaded = yield* at(there, loadImages({ _tag: "File", path: layout }))
            expect(loaded.map((image) => image.names)).toEqual([["localhost/bb:latest"], ["localhost/web:latest"]])
          }),
        ),
      ),
    )

    it.live("Docker's manifests stay what they are, and with them the image's id", () =>
      onHost((here) =>
        onHost((there) =>
          Effect.gen(function* () {
            const image = yield* at(here, importBusybox(here, "localhost/bb:1"))
            const archive = join(here.root, "docker.tar")
            yield* at(
              here,
              saveImage(image.id, {
                destination: file(archive),
                format: "docker-archive",
                name: "localhost/bb:1",
                mode: 0o644,
              }),
            )
            execFileSync("skopeo", [
              "copy",
              "--quiet",
              "--dest-tls-verify=false",
              `docker-archive:${archive}`,
              `docker://${registry.address}/docker:1`,
            ])
            const pulled = yield* at(there, pullImage(`${registry.address}/docker:1`, access))
            expect(pulled.manifestType).toBe("application/vnd.docker.distribution.manifest.v2+json")
            expect(pulled.id).toBe(image.id)
            yield* at(there, pushImage(pulled.id, `${registry.address}/docker:2`, { access }))
            const path = yield* at(
              there,
              RootFilesystems.use((rootfs) => rootfs.unpacked(pulled.id)),
            )
            expect(fs.readFileSync(join(path, "etc/os-release"), "utf8")).toBe("ID=busybox\n")
          }),
        ),
      ),
    )

    it.live("of an image for several platforms this host's comes", () =>
      onHost((host) =>
        Effect.gen(function* () {
          const directory = join(host.root, "several")
          const mine = writePlatforms(directory)
          const name = `${registry.address}/several:1`
          execFileSync("skopeo", [
            "copy",
            "--quiet",
            "--all",
            "--dest-tls-verify=false",
            `oci:${directory}:several`,
            `docker://${name}`,
          ])
          expect((yield* pullImage(name, access)).id).toBe(mine)
          const [loaded] = yield* loadImages({ _tag: "File", path: directory })
          expect(loaded).toMatchObject({ image: { id: mine }, names: ["localhost/several:latest"] })
        }).pipe(Effect.provide(host.layer)),
      ),
    )

    it.live("credentials reach the registry, and no command line", () =>
      onHost((host) =>
        Effect.gen(function* () {
          const image = yield* importBusybox(host, "localhost/bb:1", "gzip")
          const guard = yield* Effect.acquireRelease(
            Effect.promise(() => startGuard(registry.address, "user:secret")),
            (running) => Effect.promise(running.stop),
          )
          const name = `${guard.address}/guarded:1`
          expect((yield* Effect.flip(pushImage(image.id, name, { access }))).message).toContain(
            "authentication required",
          )
          yield* pushImage(image.id, name, { access: { ...access, creds: "user:secret" } })
          expect((yield* pullImage(name, { ...access, creds: "user:secret" })).id).toBe(image.id)
          const authfile = join(host.root, "auth.json")
          fs.writeFileSync(authfile, JSON.stringify({ auths: { [guard.address]: { auth: btoa("user:secret") } } }))
          expect((yield* pullImage(name, { ...access, authfile })).id).toBe(image.id)
          const wrong = yield* Effect.flip(pullImage(name, { ...access, creds: "user:wrong" }))
          expect(wrong.message).not.toContain("wrong")
          expect(treeOf(host.layout.temporary)).toEqual([])
        }).pipe(Effect.scoped, Effect.provide(host.layer)),
      ),
    )

    it.live.each<readonly ["docker-archive" | "oci-archive"]>([["docker-archive"], ["oci-archive"]])(
      "a %s goes to whatever takes its bytes, and stops when nobody takes them",
      ([format]) =>
        Effect.scoped(
          Effect.gen(function* () {
            const [here, there] = [yield* temporaryHost, yield* temporaryHost]
            const image = yield* at(here, importBusybox(here, "localhost/bb:1"))
            const blocks: Array<Uint8Array> = []
            const options = { format, name: "localhost/bb:1", mode: 0o600 }
            yield* at(here, saveImage(image.id, { destination: into(blocks), ...options }))
            const loaded = yield* at(there, loadImages({ _tag: "Stream", bytes: Stream.fromIterable(blocks) }))
            expect(loaded.map((one) => one.names)).toEqual([["localhost/bb:1"]])
            const full = new StorageFailed({ operation: "send to", path: "the client", code: "EPIPE" })
            const refusing: ArchiveDestination = { _tag: "Stream", write: () => Effect.fail(full) }
            expect(yield* at(here, Effect.flip(saveImage(image.id, { destination: refusing, ...options })))).toBe(full)
            expect(treeOf(here.layout.temporary)).toEqual([])
          }),
        ),
    )

    it.live("refuses to write where it cannot, before anything is produced", () =>
      onHost((host) =>
        Effect.gen(function* () {
          const image = yield* importBusybox(host, "localhost/bb:1")
          const save = (output: string, format: "docker-archive" | "oci-dir") =>
            Effect.flip(saveImage(image.id, { destination: file(output), format, mode: 0o644 }))
          expect((yield* save("/nonexistent/x.tar", "docker-archive")).message).toContain("no such file or directory")
          expect((yield* save(host.root, "docker-archive")).message).toContain("is a directory")
          expect((yield* save(host.root, "oci-dir")).message).toContain("file exists")
          const streamed = saveImage(image.id, { destination: into([]), format: "oci-dir", mode: 0o644 })
          expect((yield* Effect.flip(streamed)).message).toContain("a directory needs a path")
        }).pipe(Effect.provide(host.layer)),
      ),
    )
  },
)

describe.skipIf(missing.length > 0)("root filesystems", () => {
  it.live.each<readonly [Compression]>([["none"], ["gzip"], ["zstd"]])(
    "of an image with compression %s are unpacked once, by several at a time",
    ([compression]) =>
      onHost((host) =>
        Effect.gen(function* () {
          const image = yield* importBusybox(host, "localhost/bb:1", compression)
          const unpacked = RootFilesystems.use((rootfs) => rootfs.unpacked(image.id))
          const paths = yield* Effect.all([unpacked, unpacked, unpacked], { concurrency: "unbounded" })
          const [path] = paths
          expect(new Set(paths)).toEqual(new Set([join(host.layout.rootfs, image.id)]))
          expect(fs.statSync(path).mode & 0o7777).toBe(0o755)
          expect(fs.statSync(path).uid).toBe(0)
          expect(fs.statSync(join(path, "tmp")).mode & 0o7777).toBe(0o1777)
          expect(fs.readlinkSync(join(path, "bin/sh"))).toBe("busybox")
          expect(fs.statSync(join(path, "bin/hard")).ino).toBe(fs.statSync(join(path, "bin/busybox")).ino)
          expect(execFileSync("chroot", [path, "/bin/cat", "/etc/os-release"], { encoding: "utf8" })).toBe(
            "ID=busybox\n",
          )
          expect(treeOf(host.layout.temporary)).toEqual([])
          yield* ImageStore.use((store) => store.remove(image.id, () => Effect.void))
          expect(fs.existsSync(path)).toBe(false)
        }).pipe(Effect.provide(host.layer)),
      ),
  )

  it.live("of an image that is not there fail and leave nothing", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const failure = yield* Effect.flip(RootFilesystems.use((rootfs) => rootfs.unpacked("f".repeat(64))))
        expect(failure._tag).toBe("ImageNotFound")
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("of an image whose layer is no archive fail and leave nothing", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const image = yield* insertSmall(["localhost/broken:1"])
        const failure = yield* Effect.flip(RootFilesystems.use((rootfs) => rootfs.unpacked(image.id)))
        expect(failure._tag).toBe("ToolFailed")
        expect(treeOf(host.layout.temporary)).toEqual([])
        expect(treeOf(host.layout.rootfs)).toEqual([])
      }).pipe(Effect.provide(host.layer)),
    ),
  )
})
