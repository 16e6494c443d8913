/** What the engine in memory has beyond what every engine has: hosts that share a registry, pages of any size. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Tar from "effect/encoding/Tar"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import {
  ContainerEngine,
  CreateFlags,
  type CreateOptions,
  defaultCheckpoint,
  defaultRestore,
  ImageEngine,
  optionValues,
  Selection,
} from "../../src/index.ts"
import { EngineMemory } from "../../src/testing/index.ts"

const rootfs = Stream.make(Tar.directory("etc/"), Tar.file("etc/motd", "welcome\n")).pipe(
  Stream.pipeThroughChannel(Tar.encode()),
  Stream.orDie,
)

const host = (settings?: EngineMemory.MemorySettings) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(EngineMemory.layer(settings))
    const containers = Context.get(context, ContainerEngine)
    const images = Context.get(context, ImageEngine)
    yield* images.import({ _tag: "Stream", bytes: rootfs }, { name: "base", changes: [], message: "" })
    const run = Effect.fnUntraced(function* (options: Partial<CreateOptions>) {
      const flags = optionValues(CreateFlags)
      const { id } = yield* containers.create({ ...flags, image: "base", command: ["count"], ...options })
      yield* containers.start(Selection.names(id))
      return id
    })
    return { containers, images, run }
  })

const numbers = (engine: ContainerEngine["Service"], ref: string) =>
  engine.logs(ref, { follow: false, tail: -1 }).pipe(
    Stream.map(({ content }) => Number(new TextDecoder().decode(content))),
    Stream.runCollect,
  )

const flags = { tlsVerify: true, authfile: "", creds: "", quiet: true, compressionFormat: "" }

describe("an engine in memory", () => {
  it.live("holds a checkpoint of another one to the policy", () =>
    Effect.gen(function* () {
      const registry = EngineMemory.makeRegistry()
      const [here, there] = [yield* host({ registry }), yield* host({ registry })]
      yield* here.run({ name: "web", privileged: true })
      const name = "registry.example/web:1"
      const target = { _tag: "Image", name } as const
      yield* here.containers.checkpoint(Selection.names("web"), { ...defaultCheckpoint, target })
      yield* here.images.push(name, "", flags)
      yield* there.images.pull(name, flags)
      const [refused] = yield* there.containers.restore(Selection.names(name), defaultRestore)
      expect(refused?.result).toMatchObject({ failure: { _tag: "RestoreRefused" } })
    }),
  )

  it.live("sends a counting container to another host by way of a registry", () =>
    Effect.gen(function* () {
      const registry = EngineMemory.makeRegistry()
      const here = yield* host({ registry })
      const there = yield* host({ registry })
      const id = yield* here.run({ name: "web" })
      yield* Effect.sleep("100 millis")
      const name = "registry.example/web:1"
      yield* here.containers.checkpoint(Selection.names("web"), {
        ...defaultCheckpoint,
        target: { _tag: "Image", name },
      })
      const frozen = yield* numbers(here.containers, "web")
      for (const image of [name, "registry.example/base:1"]) {
        yield* here.images.push(image === name ? name : "base", image, flags)
        yield* there.images.pull(image, flags)
      }
      const [item] = yield* there.containers.restore(Selection.names(name), defaultRestore)
      expect(item?.result).toMatchObject({ success: { Id: id } })
      yield* Effect.sleep("100 millis")
      const resumed = yield* numbers(there.containers, "web")
      expect(resumed.length).toBeGreaterThan(frozen.length)
      expect(resumed).toEqual(resumed.map((_, at) => at))
    }),
  )

  it.live("streams as many pages as are asked for, one block at a time, and takes them in again", () =>
    Effect.gen(function* () {
      const { containers, run } = yield* host()
      const id = yield* run({ env: [`BALLAST=${64 * 2 ** 20}`] })
      const blocks: Array<Uint8Array> = []
      let inHand = 0
      yield* containers.checkpoint(Selection.names(id), {
        ...defaultCheckpoint,
        target: {
          _tag: "Archive",
          compression: "zstd",
          ignoreRootfs: false,
          ignoreVolumes: false,
          destination: {
            _tag: "Stream",
            write: (block) =>
              Effect.gen(function* () {
                expect(++inHand).toBe(1)
                yield* Effect.yieldNow
                blocks.push(block)
                inHand--
              }),
          },
        },
      })
      const size = blocks.reduce((sum, { length }) => sum + length, 0)
      expect(size).toBeLessThan(2 ** 20)
      yield* containers.remove(Selection.names(id), { force: true, ignore: false, timeSeconds: 0 })
      const archive = { _tag: "Stream", bytes: Stream.fromIterable(blocks) } as const
      const [item] = yield* containers.restore({ _tag: "Archive", archive }, defaultRestore)
      expect(item?.result).toMatchObject({ success: { Id: id } })
    }),
  )

  it.live("refuses an archive that is cut off, and leaves nothing", () =>
    Effect.gen(function* () {
      const { containers } = yield* host()
      const bytes = Stream.map(rootfs, (block) => block.subarray(0, 700))
      const [item] = yield* containers.restore({ _tag: "Archive", archive: { _tag: "Stream", bytes } }, defaultRestore)
      expect(item !== undefined && Result.isFailure(item.result) && item.result.failure._tag).toBe("ArchiveInvalid")
      expect(yield* containers.exists("web")).toBe(false)
    }),
  )

  it.live("refuses a checkpoint of another runtime only when its own was named", () =>
    Effect.gen(function* () {
      const registry = EngineMemory.makeRegistry()
      const here = yield* host({ registry, runtime: "runc" })
      const id = yield* here.run({})
      const name = "registry.example/web:1"
      yield* here.containers.checkpoint(Selection.names(id), {
        ...defaultCheckpoint,
        target: { _tag: "Image", name },
      })
      yield* here.images.push(name, "", flags)
      yield* here.images.push("base", "registry.example/base", flags)
      for (const [runtime, tag] of [
        [{ runtime: "crun" }, "RuntimeMismatch"],
        [{}, undefined],
      ] as const) {
        const there = yield* host({ registry, ...runtime })
        yield* there.images.pull(name, flags)
        yield* there.images.pull("registry.example/base", flags)
        const [item] = yield* there.containers.restore(Selection.names(name), { ...defaultRestore, name: "web2" })
        expect(item !== undefined && Result.isFailure(item.result) ? item.result.failure._tag : undefined).toBe(tag)
      }
    }),
  )
})
