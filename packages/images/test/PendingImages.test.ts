import * as fs from "node:fs"
import { join } from "node:path"
import { defaultCriuRestore } from "@cryopod/entities"
import { Database } from "@cryopod/host"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { checkpointLayer, createCheckpointImage, ImageStore, ImageUse } from "../src/index.ts"
import { type Host, insertSmall, temporaryHost, treeOf } from "./support.ts"

const onHost = <A, E>(test: (host: Host) => Effect.Effect<A, E>) => Effect.scoped(Effect.flatMap(temporaryHost, test))

const acceptAll = { archive: "layer", accepts: () => true, maxMembers: 1000, maxBytes: 1 << 30 }

/** Finished files of a checkpoint; where they lie. */
const stage = (host: Host, content: string): string => {
  const directory = join(host.layout.temporary, `staged-${content}`)
  fs.mkdirSync(join(directory, "checkpoint"), { recursive: true })
  fs.writeFileSync(join(directory, "checkpoint/pages-1.img"), content)
  return directory
}

const described = (name: string) => ({
  name,
  annotations: { "io.podman.annotations.checkpoint.name": "web" },
  architecture: "amd64",
  created: "2026-01-02T03:04:05.000Z",
  needs: { ...defaultCriuRestore, shellJob: true },
})

const waiting = Database.use((database) =>
  database.read((prepare) =>
    prepare("select description from pending_images order by sequence")
      .all()
      .map(({ description }) => (JSON.parse(String(description)) as { readonly name: string }).name),
  ),
)

const contentOf = (imageId: string) =>
  Effect.map(checkpointLayer(imageId, acceptAll), (directory) =>
    fs.readFileSync(join(directory, "checkpoint/pages-1.img"), "utf8"),
  )

describe("a checkpoint image without a digest", () => {
  it.live("is the image that it would have been at once", () =>
    onHost((host) =>
      onHost((other) =>
        Effect.gen(function* () {
          const store = yield* ImageStore
          const staged = stage(host, "pages")
          const inode = fs.statSync(join(staged, "checkpoint/pages-1.img")).ino
          yield* store.addPending(staged, described("localhost/web:1"))
          expect(fs.existsSync(staged)).toBe(false)
          const later = yield* store.resolve("web:1")
          const atOnce = yield* createCheckpointImage(stage(other, "pages"), described("localhost/web:1")).pipe(
            Effect.provide(Layer.fresh(other.layer)),
          )
          expect(later).toEqual(atOnce)
          expect(yield* contentOf(later.id)).toBe("pages")
          const layer = yield* checkpointLayer(later.id, acceptAll)
          expect(fs.statSync(join(layer, "checkpoint/pages-1.img")).ino).toBe(inode)
          expect(treeOf(join(host.layout.layers, "pending"))).toEqual([])
          expect(treeOf(host.layout.temporary)).toEqual([])
        }).pipe(Effect.provide(host.layer)),
      ),
    ),
  )

  it.live("is listed, found and known as made here; whoever does not mean it does not wait for it", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const made: Array<readonly [string, boolean]> = []
        const use = Layer.succeed(ImageUse, {
          usedBy: () => Effect.succeed([]),
          removeUsers: () => Effect.void,
          made: (_, id, { shellJob }) => void made.push([id, shellJob]),
        })
        yield* Effect.gen(function* () {
          const store = yield* ImageStore
          const other = yield* insertSmall(["localhost/other:1"])
          yield* store.addPending(stage(host, "a"), described("localhost/web:1"))
          expect((yield* store.resolve("other:1")).id).toBe(other.id)
          expect((yield* store.resolve(other.id.slice(0, 12))).id).toBe(other.id)
          expect(yield* waiting).toEqual(["localhost/web:1"])
          const listed = yield* store.list
          expect(listed.flatMap(({ names }) => names)).toEqual(["localhost/other:1", "localhost/web:1"])
          expect(yield* waiting).toEqual([])
          expect(made).toEqual([[(yield* store.resolve("web:1")).id, true]])
          yield* store.addPending(stage(host, "b"), described("localhost/web:2"))
          // what nobody knows may be the beginning of its id
          expect((yield* Effect.flip(store.resolve("abcdef")))._tag).toBe("ImageNotFound")
          expect(yield* waiting).toEqual([])
        }).pipe(Effect.provide(Layer.fresh(ImageStore.layer).pipe(Layer.provide(use))))
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("gets its name in its turn, and gives it away like any other", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const store = yield* ImageStore
        for (const content of ["a", "b"]) yield* store.addPending(stage(host, content), described("localhost/web:1"))
        yield* store.addPending(stage(host, "c"), described("localhost/web:2"))
        expect(yield* contentOf((yield* store.resolve("web:1")).id)).toBe("b")
        yield* store.addPending(stage(host, "d"), described("localhost/web:1"))
        const small = yield* insertSmall(["localhost/web:1"])
        expect((yield* store.resolve("web:1")).id).toBe(small.id)
        yield* store.addPending(stage(host, "e"), described("localhost/web:1"))
        yield* store.assignNames(small.id, ["localhost/web:1"])
        expect((yield* store.resolve("web:1")).id).toBe(small.id)
        yield* store.addPending(stage(host, "f"), described("localhost/web:1"))
        // it is no longer the other's to take away
        expect((yield* Effect.flip(store.removeNames(small.id, ["localhost/web:1"])))._tag).toBe("ImageNotFound")
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("waits on where its files cannot be read, and says so to whoever means it", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const store = yield* ImageStore
        const other = yield* insertSmall(["localhost/other:1"])
        yield* store.addPending(stage(host, "pages"), described("localhost/web:1"))
        const pending = join(host.layout.layers, "pending")
        const [token = ""] = fs.readdirSync(pending)
        fs.renameSync(join(pending, token), join(host.root, "elsewhere"))
        expect(yield* store.list).toEqual([other])
        expect((yield* store.finishPending).map(({ image }) => image.name)).toEqual(["localhost/web:1"])
        expect((yield* Effect.flip(store.resolve("web:1"))).message).toContain("no such file")
        expect((yield* Effect.flip(store.resolve("web:2")))._tag).toBe("ImageNotFound")
        fs.renameSync(join(host.root, "elsewhere"), join(pending, token))
        expect(yield* contentOf((yield* store.resolve("web:1")).id)).toBe("pages")
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("is where it was when it cannot be recorded; what nobody has recorded goes", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const store = yield* ImageStore
        const rubbish = join(host.layout.layers, "pending", "nobody's")
        fs.mkdirSync(rubbish, { recursive: true })
        yield* store.addPending(stage(host, "kept"), described("localhost/web:1"))
        yield* insertSmall(["localhost/other:1"])
        expect(fs.existsSync(rubbish)).toBe(false)
        expect(yield* waiting).toEqual(["localhost/web:1"])
        yield* Database.use((database) => database.write((prepare) => prepare("drop table pending_images").run()))
        const staged = stage(host, "pages")
        yield* Effect.flip(store.addPending(staged, described("localhost/web:1")))
        expect(treeOf(staged)).toEqual(["checkpoint", "checkpoint/pages-1.img"])
      }).pipe(Effect.provide(host.layer)),
    ),
  )

  it.live("is made once, however many ask for it", () =>
    onHost((host) =>
      Effect.gen(function* () {
        const store = yield* ImageStore
        yield* store.addPending(stage(host, "pages"), described("localhost/web:1"))
        const found = yield* Effect.all(
          Array.from({ length: 8 }, () => store.resolve("web:1")),
          { concurrency: "unbounded" },
        )
        expect(new Set(found.map(({ id }) => id)).size).toBe(1)
        expect(yield* store.list).toHaveLength(1)
      }).pipe(Effect.provide(host.layer)),
    ),
  )
})
