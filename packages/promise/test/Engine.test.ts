import {
  CreateFlags,
  defaultCheckpoint,
  defaultRestore,
  NetworkEngine,
  optionValues,
  PodEngine,
  Selection,
} from "@cryopod/entities"
import { EngineMemory } from "@cryopod/entities/testing"
import * as Tar from "effect/encoding/Tar"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { bytesFrom, bytesTo, type Engine, openEngine, streamsOf } from "../src/index.ts"

const nothing = {} as never
const memory = Layer.mergeAll(
  EngineMemory.layer(),
  Layer.succeed(NetworkEngine, nothing),
  Layer.succeed(PodEngine, nothing),
)

const rootfs = Stream.make(Tar.directory("etc/"), Tar.file("etc/motd", "welcome\n")).pipe(
  Stream.pipeThroughChannel(Tar.encode()),
  Stream.orDie,
)

describe("an engine as promises", () => {
  let engine: Engine
  let id = ""
  beforeAll(async () => {
    engine = await openEngine(memory)
    const image = await engine.images.import(bytesFrom(Stream.toAsyncIterable(rootfs)), {
      name: "base",
      changes: [],
      message: "",
    })
    const flags = optionValues(CreateFlags)
    ;({ id } = await engine.containers.create({ ...flags, name: "web", image, command: ["count"] }))
    await engine.containers.start(Selection.names("web"))
  })
  afterAll(() => engine.close())

  it("fulfils with what operations succeed with, single values too", async () => {
    expect((await engine.containers.inspect("web")).Id).toBe(id)
    expect(await engine.containers.latest()).toBe(id)
    expect((await engine.system.info()).store.containerStore.running).toBe(1)
  })

  it("rejects with the operation's own failure", async () => {
    await expect(engine.containers.inspect("nobody")).rejects.toMatchObject({
      _tag: "ContainerNotFound",
      ref: "nobody",
    })
  })

  it("gives streams as async iterables, which end when they are left", async () => {
    const lines: Array<string> = []
    for await (const { content } of engine.containers.logs("web", { follow: true, tail: -1 })) {
      lines.push(Buffer.from(content).toString())
      if (lines.length === 3) break
    }
    expect(lines).toEqual(["0\n", "1\n", "2\n"])
  })

  it("gives up when a signal says so", async () => {
    const wait = engine
      .until(AbortSignal.timeout(50))
      .containers.wait(Selection.names("web"), { ignore: false, intervalMillis: 10 })
    await expect(wait).rejects.toBeDefined()
    const follow = async () => {
      for await (const _ of engine.until(AbortSignal.timeout(50)).containers.logs("web", { follow: true, tail: 0 }))
        continue
    }
    await expect(follow()).rejects.toMatchObject({ name: "TimeoutError" })
  })

  it("runs programs with streams of the caller's kind", async () => {
    let heard = ""
    const options = { env: [], interactive: false, tty: false, user: "", workdir: "", privileged: false }
    const code = await engine.containers.exec(
      "web",
      { ...options, command: ["sh", "-c", "echo out; exit 4"] },
      streamsOf({ output: (_, content) => void (heard += Buffer.from(content).toString()) }),
    )
    expect([code, heard]).toEqual([4, "out\n"])
  })

  it("takes archives out and in", async () => {
    const blocks: Array<Uint8Array> = []
    const [item] = await engine.containers.checkpoint(Selection.names("web"), {
      ...defaultCheckpoint,
      target: {
        _tag: "Archive",
        destination: bytesTo((block) => void blocks.push(Uint8Array.from(block))),
        compression: "none",
        ignoreRootfs: false,
        ignoreVolumes: false,
      },
    })
    expect(item?.result._tag).toBe("Success")
    await engine.containers.remove(Selection.names("web"), { force: true, ignore: false, timeSeconds: 0 })
    const archive = bytesFrom(Stream.toAsyncIterable(Stream.fromIterable(blocks)))
    const [restored] = await engine.containers.restore({ _tag: "Archive", archive }, defaultRestore)
    expect(restored?.result).toMatchObject({ _tag: "Success", success: { Id: id } })
  })

  it("tells what a destination of the caller's could not take", async () => {
    const [item] = await engine.containers.checkpoint(Selection.names("web"), {
      ...defaultCheckpoint,
      target: {
        _tag: "Archive",
        destination: bytesTo(() => {
          throw Object.assign(new Error("full"), { code: "ENOSPC" })
        }),
        compression: "none",
        ignoreRootfs: false,
        ignoreVolumes: false,
      },
      leaveRunning: true,
    })
    expect(item?.result).toMatchObject({
      _tag: "Failure",
      failure: { message: expect.stringContaining("no space left on device") },
    })
  })
})
