/** A store on a temporary root, and images to put into it. */
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync, zstdCompressSync } from "node:zlib"
import { digestOfBytes } from "@cryopod/archive"
import { Database, Layout, makeLayout, Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { execFileSync } from "node:child_process"
import { imageServices, ImageStore, imageTables, ImageUse, pendingTables } from "../src/index.ts"

export interface Host {
  readonly root: string
  readonly layout: ReturnType<typeof makeLayout>
  readonly layer: ReturnType<typeof servicesAt>
}

export const servicesAt = (root: string) => {
  const runroot = join(root, "run")
  const edge = Layer.mergeAll(
    Layout.layer(root, runroot),
    Database.layer(join(root, "cryopod.db"), [imageTables, pendingTables]),
    Tools.layer({ prefix: "/nonexistent", path: process.env["PATH"] ?? "" }),
  )
  return imageServices.pipe(Layer.provideMerge(ImageUse.layerNone), Layer.provideMerge(edge))
}

/** A root of its own for each test; it goes with the scope. */
export const temporaryHost = Effect.acquireRelease(
  Effect.sync((): Host => {
    const root = fs.mkdtempSync(join(tmpdir(), "cryopod-images-"))
    return { root, layout: makeLayout(root, join(root, "run")), layer: servicesAt(root) }
  }),
  ({ root }) => Effect.sync(() => fs.rmSync(root, { recursive: true, force: true })),
)

export type Compression = "none" | "gzip" | "zstd"

export const compress = (bytes: Uint8Array, compression: Compression): Uint8Array =>
  compression === "gzip" ? gzipSync(bytes) : compression === "zstd" ? zstdCompressSync(bytes) : bytes

/** The tar archive of a small root filesystem with real busybox in it. */
export const busyboxArchive = (directory: string): string => {
  const rootfs = join(directory, "busybox-rootfs")
  const archive = join(directory, "busybox.tar")
  fs.mkdirSync(join(rootfs, "bin"), { recursive: true })
  fs.mkdirSync(join(rootfs, "etc"))
  fs.mkdirSync(join(rootfs, "tmp"))
  fs.chmodSync(join(rootfs, "tmp"), 0o1777)
  fs.copyFileSync("/bin/busybox", join(rootfs, "bin", "busybox"))
  fs.chmodSync(join(rootfs, "bin", "busybox"), 0o755)
  for (const applet of ["sh", "ls", "cat", "sleep"]) fs.symlinkSync("busybox", join(rootfs, "bin", applet))
  fs.linkSync(join(rootfs, "bin", "busybox"), join(rootfs, "bin", "hard"))
  fs.writeFileSync(join(rootfs, "etc", "os-release"), "ID=busybox\n")
  execFileSync("tar", ["-C", rootfs, "--numeric-owner", "-cf", archive, "."])
  return archive
}

/** Documents and one layer of a small image, made from nothing. */
export const smallImage = (
  options: {
    readonly content?: string
    readonly created?: string
    readonly compression?: Compression
    readonly annotations?: Readonly<Record<string, string>>
    readonly labels?: Readonly<Record<string, string>>
  } = {},
) => {
  const compression = options.compression ?? "gzip"
  const diff = Buffer.from(options.content ?? "layer")
  const layer = compress(diff, compression)
  const config = Buffer.from(
    JSON.stringify({
      created: options.created ?? "2026-01-02T03:04:05.123456789Z",
      architecture: "amd64",
      os: "linux",
      config: { Cmd: ["sh"], Labels: options.labels ?? {} },
      rootfs: { type: "layers", diff_ids: [digestOfBytes(diff)] },
    }),
  )
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: {
        mediaType: "application/vnd.oci.image.config.v1+json",
        digest: digestOfBytes(config),
        size: config.length,
      },
      layers: [
        {
          mediaType: `application/vnd.oci.image.layer.v1.tar${compression === "none" ? "" : `+${compression}`}`,
          digest: digestOfBytes(layer),
          size: layer.length,
        },
      ],
      ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
    }),
  )
  return {
    manifest,
    config,
    layer,
    layerDigest: digestOfBytes(layer),
    diffId: digestOfBytes(diff),
    id: digestOfBytes(config).slice(7),
  }
}

/** Put a small image into the store. */
export const insertSmall = Effect.fnUntraced(function* (
  names: ReadonlyArray<string>,
  options: Parameters<typeof smallImage>[0] = {},
) {
  const store = yield* ImageStore
  const image = smallImage(options)
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const path = join(yield* store.area, "blob")
      fs.writeFileSync(path, image.layer)
      return yield* store.insert({
        manifest: image.manifest,
        config: image.config,
        blobs: [{ digest: image.layerDigest, path }],
        names,
      })
    }),
  )
})

/** Every path below a directory, without the directory itself. */
export const treeOf = (directory: string): ReadonlyArray<string> =>
  fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory()
    ? fs.readdirSync(directory, { recursive: true }).map(String).toSorted()
    : []

export const readIndexNames = (host: Host): ReadonlyArray<string> => {
  const index = JSON.parse(fs.readFileSync(join(host.layout.images, "index.json"), "utf8")) as {
    manifests: ReadonlyArray<{ annotations?: Record<string, string> }>
  }
  return index.manifests.map((entry) => entry.annotations?.["org.opencontainers.image.ref.name"] ?? "")
}
