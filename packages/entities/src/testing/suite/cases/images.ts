/** Images: taken in, named, looked at, carried away, removed. */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "@effect/vitest"
import * as Tar from "effect/encoding/Tar"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { ContainerEngine } from "../../../ContainerEngine.ts"
import { type ArchiveSource, ImageEngine } from "../../../ImageEngine.ts"
import { optionValues } from "../../../Option.ts"
import { type ArchiveDestination, defaultCheckpoint } from "../../../options/CheckpointOptions.ts"
import { ImageListFlags, PushFlags } from "../../../options/ImageOptions.ts"
import { defaultRestore } from "../../../options/RestoreOptions.ts"
import { ImageInspect, ImageSummary } from "../../../reports/ImageReports.ts"
import { Selection } from "../../../Selection.ts"
import {
  Bench,
  created,
  discardImageLater,
  discardLater,
  failureOf,
  inside,
  one,
  refusal,
  running,
  unique,
} from "../Bench.ts"
import type { Case } from "../Case.ts"

const access = (given: Partial<PushFlags>) => optionValues(PushFlags, given)
const listing = (given: Partial<ImageListFlags>) => optionValues(ImageListFlags, given)
const removal = { all: false, force: false, ignore: false }

/** The archive of a root filesystem with one file in it. */
const tree = (content: string): ArchiveSource => ({
  _tag: "Stream",
  bytes: Stream.make(Tar.directory("etc/"), Tar.file("etc/content", content)).pipe(
    Stream.pipeThroughChannel(Tar.encode()),
    Stream.orDie,
  ),
})

/** An image of its own for a case. */
const made = Effect.fnUntraced(function* (changes: ReadonlyArray<string> = [], message = "") {
  const name = unique("made")
  yield* discardImageLater(name)
  const images = yield* ImageEngine
  const id = yield* images.import(tree(name), { name, changes, message })
  return { id, name, full: `localhost/${name}:latest` }
})

const namesOf = (ref: string) =>
  Effect.flatMap(ImageEngine, (images) => Effect.map(images.inspect(ref), ({ RepoTags }) => RepoTags))

export const images: ReadonlyArray<Case> = [
  {
    name: "an image is made of a root filesystem, with what it is told about running it",
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const { full, id, name } = yield* made(
        ['CMD ["count","7"]', "ENV COLOUR=blue", "LABEL tier=front", "WORKDIR /tmp", "USER guest", "STOPSIGNAL HUP"],
        "made by hand",
      )
      expect(id).toMatch(/^[0-9a-f]{64}$/)
      const shown = yield* engine.inspect(name)
      expect(shown).toMatchObject({
        Id: id,
        RepoTags: [full],
        Comment: "made by hand",
        Os: "linux",
        User: "guest",
        Labels: { tier: "front" },
        Config: { Cmd: ["count", "7"], Env: ["COLOUR=blue"], WorkingDir: "/tmp", StopSignal: "HUP" },
      })
      const [row] = yield* engine.list(listing({}), [name])
      for (const [schema, document] of [
        [ImageInspect, shown],
        [ImageSummary, row],
      ] as const) {
        const encoded = JSON.parse(JSON.stringify(document)) as unknown
        expect(Schema.decodeUnknownSync(schema)(encoded)).toEqual(encoded)
      }
      expect((yield* failureOf(engine.import(tree("x"), { changes: ["FLY away"], message: "" })))._tag).toBe(
        "OptionInvalid",
      )
    }),
  },
  {
    name: "an archive that is none leaves no image",
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const name = unique("never")
      const bytes = Stream.make(new TextEncoder().encode("this is no archive, whatever it may be called"))
      const options = { name, changes: [], message: "" }
      expect((yield* failureOf(engine.import({ _tag: "Stream", bytes }, options)))._tag).toBe("ArchiveInvalid")
      expect((yield* failureOf(engine.load({ _tag: "Stream", bytes })))._tag).toBe("ArchiveInvalid")
      expect((yield* failureOf(engine.import({ _tag: "File", path: "/no/such/file" }, options)))._tag).toBe(
        "StorageFailed",
      )
      expect(yield* engine.exists(name)).toBe(false)
    }),
  },
  {
    name: "a container is made of an image by any of its names",
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const containers = yield* ContainerEngine
      const { full, id, name } = yield* made(["CMD true"])
      expect(yield* engine.exists("no/such")).toBe(false)
      for (const image of [name, full, id, `sha256:${id}`, id.slice(0, 12)]) {
        expect(yield* engine.exists(image)).toBe(true)
        expect((yield* containers.inspect(yield* created({ image, command: [] }))).Image).toBe(id)
      }
    }),
  },
  {
    name: "an image has as many names as it is given, and a name only one image",
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const [first, second] = [yield* made(), yield* made()]
      const more = unique("more")
      yield* discardImageLater(more)
      yield* engine.tag(first.name, [more, `quay.io/team/${more}:2`])
      expect([...(yield* namesOf(first.id))].toSorted()).toEqual(
        [first.full, `localhost/${more}:latest`, `quay.io/team/${more}:2`].toSorted(),
      )
      yield* engine.tag(second.name, [more])
      expect(yield* namesOf(more)).toContain(second.full)
      expect(yield* namesOf(first.id)).not.toContain(`localhost/${more}:latest`)
      yield* engine.untag(first.id, [`quay.io/team/${more}:2`])
      expect(yield* namesOf(first.id)).toEqual([first.full])
      yield* engine.untag(second.id, [])
      expect(yield* namesOf(second.id)).toEqual([])
      expect((yield* failureOf(engine.tag(first.name, ["No/Good"])))._tag).toBe("ReferenceInvalid")
      expect((yield* failureOf(engine.untag("no/such", [])))._tag).toBe("ImageNotFound")
      yield* engine.remove([second.id], removal)
    }),
  },
  {
    name: "images are listed, and filtered",
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const { full, id, name } = yield* made(["LABEL kind=odd"])
      const ids = Effect.fnUntraced(function* (filter: ReadonlyArray<string>, refs: ReadonlyArray<string> = []) {
        return (yield* engine.list(listing({ filter, all: refs.length === 0 }), refs)).map(({ Id }) => Id)
      })
      expect((yield* ids([]))[0]).toBe(id)
      expect(yield* ids([`reference=${name}`])).toEqual([id])
      expect(yield* ids(["label=kind=odd", "dangling=false"])).toEqual([id])
      expect(yield* ids([], [name])).toEqual([id])
      expect(yield* ids([], ["no/such"])).toEqual([])
      const [row] = yield* engine.list(listing({}), [name])
      expect(row).toMatchObject({ Names: [full], Containers: 0, Checkpoint: false, Labels: { kind: "odd" } })
      expect((yield* failureOf(engine.list(listing({ filter: ["colour=blue"] }), [])))._tag).toBe("OptionInvalid")
    }),
  },
  {
    name: "the layers of an image are told from below",
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const { full, id, name } = yield* made()
      const found = yield* engine.tree(name)
      expect(found).toMatchObject({ Id: id, Tags: [full] })
      expect(found.Layers.map(({ diffId, tags }) => [diffId, tags])).toEqual([
        [(yield* engine.inspect(name)).RootFS.Layers[0], [full]],
      ])
    }),
  },
  {
    name: "an image is saved in every format, and loaded with its name",
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const { directory } = yield* Bench
      const { full, id, name } = yield* made()
      for (const format of ["docker-archive", "oci-archive", "oci-dir"]) {
        const output = join(directory, unique(format))
        yield* engine.save(name, { destination: { _tag: "File", path: output }, format })
        expect(statSync(output).isDirectory()).toBe(format === "oci-dir")
        expect(readdirSync(directory).filter((entry) => entry.includes(".tmp"))).toEqual([])
        yield* engine.remove([name], removal)
        expect(yield* engine.exists(id)).toBe(false)
        expect(yield* engine.load({ _tag: "File", path: output })).toEqual([full])
        expect((yield* engine.inspect(name)).RootFS).toMatchObject({ Type: "layers" })
        if (format !== "docker-archive") expect((yield* engine.inspect(name)).Id).toBe(id)
      }
      const blocks: Array<Uint8Array> = []
      const taking: ArchiveDestination = {
        _tag: "Stream",
        write: (block) => Effect.sync(() => void blocks.push(Uint8Array.from(block))),
      }
      yield* engine.save(name, { destination: taking, format: "oci-archive" })
      expect(yield* engine.load({ _tag: "Stream", bytes: Stream.fromIterable(blocks) })).toEqual([full])
      expect((yield* failureOf(engine.save(name, { destination: taking, format: "oci-dir" })))._tag).toBe(
        "OptionInvalid",
      )
      const odd = { destination: { _tag: "File", path: join(directory, "odd") } as ArchiveDestination, format: "odd" }
      expect((yield* failureOf(engine.save(name, odd)))._tag).toBe("OptionInvalid")
      expect((yield* failureOf(engine.save("no/such", { ...odd, format: "oci-archive" })))._tag).toBe("ImageNotFound")
    }),
  },
  {
    name: "a frozen container is carried away in an archive, and goes on from it",
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const containers = yield* ContainerEngine
      const { directory } = yield* Bench
      const name = unique("carried")
      yield* discardImageLater(name)
      const id = yield* running()
      yield* discardLater(id)
      yield* inside(id, "echo kept > /etc/note")
      const items = yield* containers.checkpoint(Selection.names(id), {
        ...defaultCheckpoint,
        target: { _tag: "Image", name },
      })
      one(items)
      const output = join(directory, name)
      yield* engine.save(name, { destination: { _tag: "File", path: output }, format: "oci-archive" })
      // what a container had in its memory is nobody else's business
      expect(statSync(output).mode & 0o077).toBe(0)
      yield* engine.remove([name], removal)
      yield* containers.remove(Selection.names(id), { force: false, ignore: false, timeSeconds: 0 })
      expect(yield* engine.load({ _tag: "File", path: output })).toEqual([`localhost/${name}:latest`])
      const restored = yield* containers.restore(Selection.names(name), defaultRestore)
      expect(one(restored).Id).toBe(id)
      expect((yield* inside(id, "cat /etc/note")).stdout).toBe("kept\n")
    }),
  },
  {
    name: "an image goes to a registry and comes back the same",
    needs: ["registry"],
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const { registry } = yield* Bench
      const { id, name } = yield* made()
      const remote = `${registry}/team/${name}:1`
      yield* discardImageLater(remote)
      const plain = access({ tlsVerify: false, quiet: true })
      expect((yield* failureOf(engine.push(name, remote, access({}))))._tag).toBe("TransportFailed")
      yield* engine.push(name, remote, plain)
      yield* engine.remove([name], removal)
      expect((yield* failureOf(engine.pull(remote, access({}))))._tag).toBe("TransportFailed")
      expect(yield* engine.pull(remote, plain)).toBe(id)
      expect(yield* namesOf(remote)).toEqual([remote])
      expect((yield* failureOf(engine.pull(`${registry}/no/such:1`, plain)))._tag).toBe("TransportFailed")
      expect((yield* failureOf(engine.push("no/such", remote, plain)))._tag).toBe("ImageNotFound")
    }),
  },
  {
    name: "a registry that wants a login gets it, from the caller or from a file",
    needs: ["registryLogin"],
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const {
        directory,
        guarded: { login, registry },
      } = yield* Bench
      const { id, name } = yield* made()
      const remote = `${registry}/${name}:1`
      yield* discardImageLater(remote)
      const plain = { tlsVerify: false, quiet: true }
      expect((yield* failureOf(engine.push(name, remote, access(plain))))._tag).toBe("TransportFailed")
      yield* engine.push(name, remote, access({ ...plain, creds: login }))
      const authfile = join(directory, unique("auth.json"))
      const auth = Buffer.from(login).toString("base64")
      writeFileSync(authfile, JSON.stringify({ auths: { [registry]: { auth } } }), { mode: 0o600 })
      expect((yield* failureOf(engine.pull(remote, access({ ...plain, creds: "who:what" }))))._tag).toBe(
        "TransportFailed",
      )
      yield* engine.push(name, remote, access({ ...plain, authfile }))
      yield* engine.remove([name], removal)
      expect(yield* engine.pull(remote, access({ ...plain, authfile }))).toBe(id)
      yield* engine.remove([remote], removal)
      expect(yield* engine.pull(remote, access({ ...plain, creds: login }))).toBe(id)
    }),
  },
  {
    name: "layers go out compressed as they are asked for",
    needs: ["transports"],
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const { directory } = yield* Bench
      const { name } = yield* made()
      for (const compressionFormat of ["gzip", "zstd"]) {
        const path = join(directory, unique(compressionFormat))
        yield* engine.push(name, `oci:${path}:${name}`, access({ compressionFormat }))
        const blob = (digest: string) => readFileSync(join(path, "blobs/sha256", digest.slice(7)), "utf8")
        const index = JSON.parse(readFileSync(join(path, "index.json"), "utf8")) as Documents
        const manifest = JSON.parse(blob(index.manifests?.[0]?.digest ?? "")) as Documents
        expect(manifest.layers?.[0]?.mediaType).toBe(`application/vnd.oci.image.layer.v1.tar+${compressionFormat}`)
      }
      const odd = access({ compressionFormat: "odd" })
      expect((yield* failureOf(engine.push(name, `oci:${directory}/odd:x`, odd)))._tag).toBe("OptionInvalid")
    }),
  },
  {
    name: "an image is removed by its last name; one with more names, or in use, only by force",
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const containers = yield* ContainerEngine
      const { full, id, name } = yield* made(["CMD true"])
      const more = unique("more")
      yield* engine.tag(name, [more])
      expect(refusal(yield* engine.remove([id], removal))._tag).toBe("ImageHasNames")
      expect(one(yield* engine.remove([more], removal))).toEqual({
        untagged: [`localhost/${more}:latest`],
        deleted: [],
      })
      const container = yield* created({ image: name, command: [] })
      const failure = refusal(yield* engine.remove([name], removal))
      expect(failure).toMatchObject({ _tag: "ImageInUse", id, container })
      expect(one(yield* engine.remove([name], { ...removal, force: true }))).toEqual({
        untagged: [full],
        deleted: [id],
      })
      expect(yield* containers.exists(container)).toBe(false)
    }),
  },
  {
    name: "removing answers for each image, in order, and leaves out missing ones only when told",
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const { name } = yield* made()
      const items = yield* engine.remove(["no/such", name, "nor/this"], removal)
      expect(items.map(({ input, result }) => [input, result._tag])).toEqual([
        ["no/such", "Failure"],
        [name, "Success"],
        ["nor/this", "Failure"],
      ])
      expect(refusal(yield* engine.remove(["no/such"], removal)).message).toBe("no/such: image not known")
      const ignored = yield* engine.remove(["no/such"], { ...removal, ignore: true })
      expect(ignored.every(({ result }) => result._tag === "Success")).toBe(true)
    }),
  },
  {
    name: "all images that are not in use are removed at once",
    run: Effect.gen(function* () {
      const engine = yield* ImageEngine
      const { image } = yield* Bench
      const { name } = yield* made()
      yield* created()
      const items = yield* engine.remove([], { ...removal, all: true })
      expect(items.length).toBeGreaterThan(1)
      expect(yield* engine.exists(name)).toBe(false)
      expect(yield* engine.exists(image)).toBe(true)
    }),
  },
]

interface Documents {
  readonly manifests?: ReadonlyArray<{ readonly digest: string }>
  readonly layers?: ReadonlyArray<{ readonly mediaType: string }>
}
