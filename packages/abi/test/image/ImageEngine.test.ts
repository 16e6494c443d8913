import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ImageEngine, defaultCriuRestore } from "@cryopod/entities"
import { Database, Layout, makeLayout, Tools } from "@cryopod/host"
import { createCheckpointImage, imageServices, imageTables, ImageUse, pendingTables } from "@cryopod/images"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { imageEngineLayer } from "../../src/image/ImageEngine.ts"

/** Containers by image id; removing them empties the list. */
type Users = Map<string, ReadonlyArray<string>>

const host = (root: string, users: Users) => {
  const edge = Layer.mergeAll(
    Layout.layer(root, join(root, "run")),
    Database.layer(join(root, "cryopod.db"), [imageTables, pendingTables]),
    Tools.layer({ prefix: "/nonexistent", path: process.env["PATH"] ?? "" }),
    Layer.succeed(ImageUse, {
      made: () => undefined,
      usedBy: (id) => Effect.succeed(users.get(id) ?? []),
      removeUsers: (ids) =>
        Effect.sync(() => {
          for (const [image, containers] of users)
            users.set(
              image,
              containers.filter((container) => !ids.includes(container)),
            )
        }),
    }),
  )
  return imageEngineLayer.pipe(Layer.provideMerge(imageServices), Layer.provideMerge(edge))
}

interface Given {
  readonly root: string
  readonly users: Users
  readonly engine: ImageEngine["Service"]
  /** Make an image of one small file. */
  readonly image: (name: string, content?: string) => Effect.Effect<string>
}

const withEngine = <A, E>(test: (given: Given) => Effect.Effect<A, E, Layer.Success<ReturnType<typeof host>>>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const root = yield* Effect.acquireRelease(
        Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "cryopod-abi-"))),
        (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true })),
      )
      const users: Users = new Map()
      return yield* Effect.gen(function* () {
        const engine = yield* ImageEngine
        const image = (name: string, content = name) =>
          Effect.orDie(
            engine.import(
              { _tag: "File", path: archiveOf(root, content) },
              { name, changes: ['CMD ["sh"]'], message: "" },
            ),
          )
        return yield* test({ root, users, engine, image })
      }).pipe(Effect.provide(host(root, users)))
    }),
  )

const archiveOf = (root: string, content: string) => {
  const directory = fs.mkdtempSync(join(root, "source-"))
  fs.writeFileSync(join(directory, "file"), content)
  execFileSync("tar", ["-C", directory, "-cf", `${directory}.tar`, "."])
  return `${directory}.tar`
}

const plain = { all: false, force: false, ignore: false }
const noFilter = { all: false, filter: [] }

/** Each item as its report or its failure's tag. */
const outcomes = <R, F extends { readonly _tag: string }>(
  items: ReadonlyArray<{ readonly result: Result.Result<R, F> }>,
) =>
  items.map(({ result }) =>
    Result.match(result, { onSuccess: (report): R | string => report, onFailure: (failure) => failure._tag }),
  )

describe("images of this host", () => {
  it.live("are named, listed and looked at", () =>
    withEngine(({ engine, image, users }) =>
      Effect.gen(function* () {
        const id = yield* image("web")
        yield* engine.tag("web", ["quay.io/team/web:2", "again"])
        users.set(id, ["c1", "c2"])
        const [row] = yield* engine.list(noFilter, [])
        expect(row).toMatchObject({
          Id: id,
          RepoTags: ["localhost/again:latest", "quay.io/team/web:2", "localhost/web:latest"],
          Containers: 2,
          Dangling: false,
          Checkpoint: false,
        })
        expect(row?.RepoDigests).toContain(`quay.io/team/web@${row?.Digest}`)
        expect(yield* engine.inspect("again")).toMatchObject({
          Id: id,
          Config: { Cmd: ["sh"] },
          Os: "linux",
          Comment: "imported from tarball",
        })
        expect((yield* engine.tree("web")).Layers).toMatchObject([{ tags: row?.RepoTags }])
        expect(yield* engine.list(noFilter, ["nothing"])).toEqual([])
        expect(
          yield* Effect.all([
            engine.exists("web"),
            engine.exists(id.slice(0, 3)),
            engine.exists("x:1"),
            engine.exists("No Name"),
          ]),
        ).toEqual([true, true, false, false])
      }),
    ),
  )

  it.live("lose names without going away", () =>
    withEngine(({ engine, image }) =>
      Effect.gen(function* () {
        const id = yield* image("web")
        yield* engine.tag("web", ["b", "quay.io/c:1"])
        yield* engine.untag("web", ["c:1"])
        expect((yield* engine.inspect(id)).RepoTags).toEqual(["localhost/b:latest", "localhost/web:latest"])
        expect((yield* Effect.flip(engine.untag("web", ["nothing"])))._tag).toBe("ImageNotFound")
        yield* engine.untag(id, [])
        expect((yield* engine.list({ all: false, filter: ["dangling=true"] }, [])).map((row) => row.Id)).toEqual([id])
      }),
    ),
  )

  it.live("go by their last name, and by their id only when they have no more than one", () =>
    withEngine(({ engine, image }) =>
      Effect.gen(function* () {
        const id = yield* image("web")
        yield* engine.tag("web", ["b"])
        expect(outcomes(yield* engine.remove([id, "b", "none:1", "web"], plain))).toEqual([
          "ImageHasNames",
          { untagged: ["localhost/b:latest"], deleted: [] },
          "ImageNotFound",
          { untagged: ["localhost/web:latest"], deleted: [id] },
        ])
        expect(yield* engine.list(noFilter, [])).toEqual([])
        expect(outcomes(yield* engine.remove(["none:1"], { ...plain, ignore: true }))).toEqual([
          { untagged: [], deleted: [] },
        ])
      }),
    ),
  )

  it.live("go by their id with all names when forced", () =>
    withEngine(({ engine, image }) =>
      Effect.gen(function* () {
        const id = yield* image("web")
        yield* engine.tag("web", ["b"])
        const removed = { untagged: ["localhost/b:latest", "localhost/web:latest"], deleted: [id] }
        expect(outcomes(yield* engine.remove([id], { ...plain, force: true }))).toEqual([removed])
      }),
    ),
  )

  it.live("stay while containers use them, unless forced", () =>
    withEngine(({ engine, image, users }) =>
      Effect.gen(function* () {
        const used = yield* image("used")
        const free = yield* image("free")
        users.set(used, ["c1"])
        const items = yield* engine.remove(["used"], plain)
        expect(outcomes(items)).toEqual(["ImageInUse"])
        const all = outcomes(yield* engine.remove([], { ...plain, all: true }))
        expect(all).toHaveLength(2)
        expect(all).toContainEqual({ untagged: ["localhost/free:latest"], deleted: [free] })
        expect(all).toContain("ImageInUse")
        // a further name may go
        yield* engine.tag("used", ["other"])
        expect(outcomes(yield* engine.remove(["other"], plain))).toEqual([
          { untagged: ["localhost/other:latest"], deleted: [] },
        ])
        expect(outcomes(yield* engine.remove(["used"], { ...plain, force: true }))).toEqual([
          { untagged: ["localhost/used:latest"], deleted: [used] },
        ])
        expect(users.get(used)).toEqual([])
      }),
    ),
  )

  it.live("are known as checkpoints by their annotations, and saved for their owner alone", () =>
    withEngine(({ engine, root, image }) =>
      Effect.gen(function* () {
        const stagedDirectory = join(root, "tmp", "staged")
        fs.mkdirSync(stagedDirectory, { recursive: true })
        fs.writeFileSync(join(stagedDirectory, "config.dump"), "{}")
        yield* createCheckpointImage(stagedDirectory, {
          name: "localhost/cp:1",
          annotations: { "io.podman.annotations.checkpoint.runtime.name": "runc" },
          architecture: "amd64",
          created: "2026-01-01T00:00:00.000Z",
          needs: defaultCriuRestore,
        })
        yield* image("web")
        const rows = yield* engine.list(noFilter, [])
        expect(rows.map((row) => [row.Names[0], row.Checkpoint])).toEqual([
          ["localhost/web:latest", false],
          ["localhost/cp:1", true],
        ])
        yield* engine.save("cp:1", { destination: { _tag: "File", path: join(root, "cp.tar") }, format: "oci-archive" })
        yield* engine.save("web", { destination: { _tag: "File", path: join(root, "web.tar") }, format: "oci-archive" })
        expect(fs.statSync(join(root, "cp.tar")).mode & 0o777).toBe(0o600)
        expect(fs.statSync(join(root, "web.tar")).mode & 0o777).toBe(0o644)
        yield* engine.remove([], { ...plain, all: true })
        expect(yield* engine.load({ _tag: "File", path: join(root, "cp.tar") })).toEqual(["localhost/cp:1"])
        expect((yield* engine.list(noFilter, []))[0]?.Checkpoint).toBe(true)
        expect(fs.existsSync(join(makeLayout(root, root).images, "index.json"))).toBe(true)
      }),
    ),
  )

  it.live("refuse formats and names that nobody knows", () =>
    withEngine(({ engine, image }) =>
      Effect.gen(function* () {
        yield* image("web")
        const flags = { tlsVerify: true, authfile: "", creds: "", quiet: true }
        const failures = yield* Effect.all([
          Effect.flip(engine.save("web", { destination: { _tag: "File", path: "/tmp/x" }, format: "zip" })),
          Effect.flip(engine.push("web", "oci:/tmp/x", { ...flags, compressionFormat: "lz4" })),
          Effect.flip(engine.tag("web", ["Web"])),
          Effect.flip(engine.pull("Web", flags)),
          Effect.flip(engine.inspect("none:1")),
        ])
        expect(failures.map((failure) => failure._tag)).toEqual([
          "OptionInvalid",
          "OptionInvalid",
          "ReferenceInvalid",
          "ReferenceInvalid",
          "ImageNotFound",
        ])
      }),
    ),
  )
})
