import * as fs from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Database, holdLock, makeLayout } from "@cryopod/host"
import { defaultCriuRestore } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import {
  checkpointLayer,
  createCheckpointImage,
  describingAnnotations,
  exportLayout,
  ImageStore,
} from "../src/index.ts"
import { type Host, insertSmall, readIndexNames, smallImage, temporaryHost, treeOf } from "./support.ts"

const onHost = <A, E>(test: (host: Host) => Effect.Effect<A, E>) => Effect.scoped(Effect.flatMap(temporaryHost, test))

const acceptAll = { archive: "layer", accepts: () => true, maxMembers: 1000, maxBytes: 1 << 30 }

const stage = (host: Host, files: Readonly<Record<string, string>>) => {
  const directory = join(host.layout.temporary, "staged")
  fs.mkdirSync(join(directory, "checkpoint"), { recursive: true })
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(join(directory, name), content)
  return directory
}

const checkpointOf = (
  host: Host,
  name: string,
  files: Readonly<Record<string, string>> = { "config.dump": "{}", "checkpoint/pages-1.img": "pages" },
) => createCheckpointImage(stage(host, files), described(name))

const described = (name: string, annotations = { "io.podman.annotations.checkpoint.name": "web" }) => ({
  name,
  annotations,
  architecture: "amd64",
  created: "2026-01-02T03:04:05.000Z",
  needs: defaultCriuRestore,
})

const sha = (...blobs: ReadonlyArray<string>) => blobs.toSorted()
const blobsOf = (host: Host) => treeOf(join(host.layout.images, "blobs", "sha256"))

describe("the store", () => {
  it.live("keeps an image with its documents, blobs and names", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const store = yield* ImageStore
        const image = yield* insertSmall(["localhost/web:latest"], { annotations: { a: "b" }, labels: { l: "m" } })
        const made = smallImage({ annotations: { a: "b" }, labels: { l: "m" } })
        expect(image).toMatchObject({
          id: made.id,
          names: ["localhost/web:latest"],
          annotations: { a: "b" },
          labels: { l: "m" },
          architecture: "amd64",
        })
        expect(image.created).toBe("2026-01-02T03:04:05.123456789Z")
        expect(yield* store.resolve("web")).toEqual(image)
        expect(yield* store.list).toEqual([image])
        expect((yield* store.config(image)).config?.Cmd).toEqual(["sh"])
        expect((yield* store.manifest(image)).layers).toHaveLength(1)
        expect(blobsOf(host)).toEqual(sha(made.id, made.layerDigest.slice(7), image.manifestDigest.slice(7)))
        expect(readIndexNames(host)).toEqual(["localhost/web:latest"])
        expect(fs.readFileSync(join(host.layout.images, "oci-layout"), "utf8")).toContain("1.0.0")
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("moves a name to the image that gets it last", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const store = yield* ImageStore
        const first = yield* insertSmall(["localhost/web:latest"])
        const second = yield* insertSmall(["localhost/web:latest"], { content: "other" })
        expect((yield* store.resolve("web")).id).toBe(second.id)
        expect((yield* store.get(first.id)).names).toEqual([])
        expect(readIndexNames(host).toSorted()).toEqual(["", "localhost/web:latest"])
        yield* store.assignNames(first.id, ["localhost/web:latest", "localhost/b:1"])
        expect((yield* store.get(second.id)).names).toEqual([])
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("tells the name that was given last first", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const store = yield* ImageStore
        const image = yield* insertSmall(["localhost/b:1", "localhost/c:1"])
        const names = Effect.map(store.get(image.id), (found) => found.names)
        expect(yield* names).toEqual(["localhost/c:1", "localhost/b:1"])
        yield* store.assignNames(image.id, ["localhost/a:1"])
        expect(yield* names).toEqual(["localhost/a:1", "localhost/c:1", "localhost/b:1"])
        yield* store.assignNames(image.id, ["localhost/b:1"])
        expect(yield* names).toEqual(["localhost/b:1", "localhost/a:1", "localhost/c:1"])
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("lists the newest image first", () =>
    onHost((host) =>
      Effect.gen(function* () {
        yield* insertSmall(["localhost/old:1"], { content: "old", created: "2025-01-01T00:00:00Z" })
        yield* insertSmall(["localhost/new:1"], { content: "new", created: "2026-06-01T00:00:00Z" })
        yield* insertSmall(["localhost/mid:1"], { content: "mid", created: "2026-01-01T00:00:00Z" })
        const images = yield* ImageStore.use((store) => store.list)
        expect(images.flatMap((image) => image.names)).toEqual([
          "localhost/new:1",
          "localhost/mid:1",
          "localhost/old:1",
        ])
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("takes names away only from the image that has them", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const store = yield* ImageStore
        const image = yield* insertSmall(["localhost/a:1", "localhost/b:1"])
        const failure = yield* Effect.flip(store.removeNames(image.id, ["localhost/a:1", "localhost/c:1"]))
        expect(failure.message).toBe("localhost/c:1: image not known")
        expect((yield* store.get(image.id)).names).toHaveLength(2)
        yield* store.removeNames(image.id, ["localhost/a:1"])
        expect((yield* store.get(image.id)).names).toEqual(["localhost/b:1"])
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("removes an image with what only it needed", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const store = yield* ImageStore
        const one = yield* insertSmall(["localhost/a:1"])
        const two = yield* insertSmall(["localhost/b:1"], { created: "2020-01-01T00:00:00Z" })
        fs.mkdirSync(join(host.layout.rootfs, one.id, "etc"), { recursive: true })
        yield* store.remove(one.id, () => Effect.void)
        // the layer is shared
        expect(blobsOf(host)).toEqual(sha(two.id, two.manifestDigest.slice(7), two.layers[0]?.digest.slice(7) ?? ""))
        expect(treeOf(host.layout.rootfs)).toEqual([])
        yield* store.remove(two.id, () => Effect.void)
        expect(blobsOf(host)).toEqual([])
        expect(treeOf(host.layout.temporary)).toEqual([])
        expect(readIndexNames(host)).toEqual([])
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("keeps an image whose removal is not allowed", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const store = yield* ImageStore
        const image = yield* insertSmall(["localhost/a:1"])
        expect(yield* Effect.flip(store.remove(image.id, () => Effect.fail("used")))).toBe("used")
        expect(yield* store.get(image.id)).toEqual(image)
        expect(blobsOf(host)).toHaveLength(3)
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("refuses an image with a missing layer and leaves nothing of it", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const store = yield* ImageStore
        const { manifest, config, layerDigest } = smallImage()
        const failure = yield* Effect.flip(store.insert({ manifest, config, blobs: [], names: ["localhost/a:1"] }))
        expect(failure.message).toContain(`layer ${layerDigest} is missing`)
        expect(blobsOf(host)).toEqual([])
        expect(yield* store.list).toEqual([])
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live.each([
    [
      "a configuration of another image",
      () => ({ ...smallImage(), config: smallImage({ created: "2020-01-01T00:00:00Z" }).config }),
      "has not the digest",
    ],
    ["a manifest that is no JSON", () => ({ ...smallImage(), manifest: Buffer.from("{") }), "manifest cannot be read"],
    [
      "a digest that climbs",
      () => ({
        ...smallImage(),
        manifest: Buffer.from(
          smallImage()
            .manifest.toString()
            .replaceAll(/sha256:\w+/g, "../../x"),
        ),
      }),
      "manifest cannot be read",
    ],
  ] as const)("refuses %s", ([, make, problem]) =>
    onHost((host) =>
      Effect.gen(function* () {
        const { manifest, config } = make()
        const failure = yield* Effect.flip(
          ImageStore.use((store) => store.insert({ manifest, config, blobs: [], names: [] })),
        )
        expect(failure.message).toContain(problem)
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("removes blobs that a killed process left behind with the next change", () =>
    onHost((host) =>
      Effect.gen(function* () {
        yield* insertSmall(["localhost/a:1"])
        fs.writeFileSync(join(host.layout.images, "blobs", "sha256", "f".repeat(64)), "rest")
        fs.writeFileSync(join(host.layout.images, "blobs", "sha256", `${"e".repeat(64)}.tmp-x`), "rest")
        fs.mkdirSync(join(host.layout.layers, "sha256", "d".repeat(64), "checkpoint"), { recursive: true })
        yield* insertSmall(["localhost/b:1"], { content: "b" })
        expect(blobsOf(host)).toHaveLength(6)
        expect(treeOf(join(host.layout.layers, "sha256"))).toEqual([])
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("waits for whoever changes the store", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const waiting = yield* Effect.scoped(
          Effect.gen(function* () {
            yield* holdLock(join(makeLayout(host.root, join(host.root, "run")).locks, "images"))
            return yield* Effect.timeoutOption(insertSmall(["localhost/a:1"]), "200 millis")
          }),
        )
        expect(waiting._tag).toBe("None")
        expect(yield* ImageStore.use((store) => store.list)).toEqual([])
        yield* insertSmall(["localhost/a:1"])
        expect(yield* ImageStore.use((store) => store.list)).toHaveLength(1)
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("takes many images at once", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const store = yield* ImageStore
        yield* Effect.forEach(
          Array.from({ length: 12 }, (_, at) => at),
          (at) => insertSmall([`localhost/i${at}:1`], { content: `c${at % 4}` }),
          {
            concurrency: "unbounded",
          },
        )
        const images = yield* store.list
        expect(images.flatMap((image) => image.names)).toHaveLength(12)
        yield* Effect.forEach(images.slice(1), (image) => store.remove(image.id, () => Effect.void), {
          concurrency: "unbounded",
        })
        expect(blobsOf(host)).toHaveLength(3)
      }).pipe(Effect.provide(host.layer)),
    ),
  )
})

describe("checkpoint images", () => {
  it.live("move the staged files into the store and keep no archive", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const inode = fs.statSync(
          join(stage(host, { "config.dump": "{}", "checkpoint/pages-1.img": "pages" }), "checkpoint/pages-1.img"),
        ).ino
        const made = yield* checkpointOf(host, "localhost/web:1")
        const store = yield* ImageStore
        const image = yield* store.resolve("web:1")
        expect(image).toMatchObject({
          id: made.id,
          manifestDigest: made.manifestDigest,
          created: "2026-01-02T03:04:05.000Z",
        })
        expect(image.layers[0]?.mediaType).toBe("application/vnd.oci.image.layer.v1.tar")
        const configBytes = fs.statSync(store.blobPath(image.id)).size
        expect(image.sizeBytes).toBe((image.layers[0]?.sizeBytes ?? 0) + 2 * image.manifestSizeBytes + configBytes)
        expect(describingAnnotations({ ...image, annotations: {} })).toEqual(image.annotations)
        expect(blobsOf(host)).toEqual(sha(image.id, image.manifestDigest.slice(7)))
        expect(store.virtualLayers(image)).toHaveLength(1)
        const directory = yield* checkpointLayer(made.id, acceptAll)
        expect(fs.statSync(join(directory, "checkpoint/pages-1.img")).ino).toBe(inode)
        expect(fs.existsSync(join(host.layout.temporary, "staged"))).toBe(false)
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("leave the host with the bytes that their digest says", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const made = yield* checkpointOf(host, "localhost/web:1")
        const image = yield* ImageStore.use((store) => store.get(made.id))
        const layer = image.layers[0]?.digest ?? ""
        yield* Effect.scoped(
          Effect.gen(function* () {
            const directory = yield* exportLayout(made.id, { form: "kept", ref: "x" })
            expect(fs.statSync(join(directory, "blobs/sha256", layer.slice(7))).size).toBe(image.layers[0]?.sizeBytes)
          }),
        )
        expect(treeOf(host.layout.temporary)).toEqual([])
        fs.appendFileSync(join(host.layout.layers, "sha256", layer.slice(7), "config.dump"), "x")
        const failure = yield* Effect.flip(Effect.scoped(exportLayout(made.id, { form: "kept" })))
        expect(failure.message).toContain("was changed")
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("share a layer of the same content, which stays until the last one goes", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const store = yield* ImageStore
        const one = yield* checkpointOf(host, "localhost/web:1")
        const two = yield* createCheckpointImage(
          stage(host, { "config.dump": "{}", "checkpoint/pages-1.img": "pages" }),
          described("localhost/web:2", { "io.podman.annotations.checkpoint.name": "other" }),
        )
        expect(two.id).not.toBe(one.id)
        yield* store.remove(one.id, () => Effect.void)
        const directory = yield* checkpointLayer(two.id, acceptAll)
        expect(fs.readFileSync(join(directory, "checkpoint/pages-1.img"), "utf8")).toBe("pages")
        yield* store.remove(two.id, () => Effect.void)
        expect(treeOf(join(host.layout.layers, "sha256"))).toEqual([])
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("leave the staged files where they were when the image cannot be recorded", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const broken = yield* Database.use((database) =>
          database.write((prepare) => prepare("drop table image_names").run()),
        )
        expect(broken).toBeDefined()
        const staged = join(host.layout.temporary, "staged")
        yield* Effect.flip(checkpointOf(host, "localhost/web:1"))
        expect(treeOf(staged)).toEqual(["checkpoint", "checkpoint/pages-1.img", "config.dump"])
        expect(treeOf(join(host.layout.layers, "sha256"))).toEqual([])
      }).pipe(Effect.provide(host.layer)),
    ),
  )
})
