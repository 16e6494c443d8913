/** Archives on their way through a service: reports behind them, failures in the middle, clients and files that go. */
import * as fs from "node:fs"
import * as http from "node:http"
import * as net from "node:net"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import {
  CheckpointAborted,
  type CheckpointReport,
  ContainerEngine,
  type ContainerEngineShape,
  CreateFlags,
  defaultCheckpoint,
  defaultRestore,
  EngineUnreachable,
  ImageEngine,
  optionValues,
  Selection,
  StorageFailed,
} from "@cryopod/entities"
import { EngineMemory } from "@cryopod/entities/testing"
import * as Context from "effect/Context"
import * as Tar from "effect/encoding/Tar"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { describe } from "vitest"
import { tunnelEngine } from "../src/index.ts"
import { between } from "./support/between.ts"
import { once, overService, serving, temporaryDirectory } from "./support/overService.ts"

const id = "f".repeat(64)
const statistics = {
  freezing_time: 1,
  frozen_time: 2,
  memdump_time: 3,
  memwrite_time: 4,
  pages_scanned: 5,
  pages_written: 6,
}
const report: CheckpointReport = {
  Id: id,
  runtime_checkpoint_duration: 7,
  criu_statistics: statistics,
  warnings: ["the bind mount /x is not in the checkpoint"],
}

/** An engine with one container, whose checkpoints and restores are these. */
const engineWith = (own: Partial<ContainerEngineShape>) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const context = yield* Layer.build(EngineMemory.layer())
      const engine = Context.get(context, ContainerEngine)
      const image = yield* Context.get(context, ImageEngine).import(
        { _tag: "Stream", bytes: rootfs },
        { name: "base", changes: [], message: "" },
      )
      yield* engine.create({ ...optionValues(CreateFlags), name: "web", image, command: ["count"] })
      yield* engine.start(Selection.names("web"))
      return Context.add(context, ContainerEngine, ContainerEngine.of({ ...engine, ...own }))
    }),
  )

const rootfs = Stream.make(Tar.directory("etc/"), Tar.file("etc/motd", "welcome\n")).pipe(
  Stream.pipeThroughChannel(Tar.encode()),
  Stream.orDie,
)

const block = new Uint8Array(1 << 16).fill(7)

/** A checkpoint that writes so many blocks and then ends like this. */
const writing = (blocks: number, end: Effect.Effect<CheckpointReport, CheckpointAborted>) =>
  engineWith({
    checkpoint: (_, { target }) =>
      Effect.gen(function* () {
        if (target._tag !== "Archive" || target.destination._tag !== "Stream") return yield* Effect.die("no stream")
        for (let at = 0; at < blocks; at++) yield* Effect.orDie(target.destination.write(block))
        return [{ input: id, result: yield* Effect.result(end) }]
      }),
  })

const archiveAt = (path: string) => ({
  ...defaultCheckpoint,
  target: {
    _tag: "Archive" as const,
    destination: { _tag: "File" as const, path },
    compression: "none" as const,
    ignoreRootfs: false,
    ignoreVolumes: false,
  },
})

const exported = (path: string) =>
  Effect.flatMap(ContainerEngine, (engine) => engine.checkpoint(Selection.names("web"), archiveAt(path)))

describe("an export", () => {
  it.live("has the engine's whole report behind it", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory, "x.tar")
      const items = yield* exported(path).pipe(Effect.provide(overService(writing(3, Effect.succeed(report)))))
      expect(items.map(({ result }) => result)).toEqual([Result.succeed(report)])
      expect(fs.statSync(path)).toMatchObject({ size: 3 * block.length, mode: expect.any(Number) })
      expect(fs.statSync(path).mode & 0o777).toBe(0o600)
    }),
  )

  it.live("that fails after bytes have gone out is the engine's failure, and leaves no file", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const failure = new CheckpointAborted({ id, step: "commit", reason: "disk full", container: "running" })
      const items = yield* exported(join(directory, "x.tar")).pipe(
        Effect.provide(overService(writing(3, Effect.fail(failure)))),
      )
      expect(items.map(({ result }) => result)).toEqual([Result.fail(failure)])
      expect(fs.readdirSync(directory)).toEqual([])
    }),
  )

  it.live("whose service goes on the way is told so, and leaves no file", () =>
    Effect.gen(function* () {
      const [directory, archives] = [yield* temporaryDirectory, yield* temporaryDirectory]
      const [behind, path] = [join(directory, "behind.sock"), join(directory, "engine.sock")]
      yield* serving(writing(3, Effect.succeed(report)), { _tag: "Unix", path: behind })
      yield* between(behind, path, ({ url = "" }, answer, response) => {
        if (!url.includes("/checkpoint")) return "passes"
        answer.once("data", (piece: Buffer) => {
          response.writeHead(200, answer.headers)
          response.write(piece, () => response.destroy())
        })
        return "taken"
      })
      const url = `unix://${path}`
      const items = yield* exported(join(archives, "x.tar")).pipe(Effect.provide(once(tunnelEngine({ url }))))
      expect(items.map(({ result }) => result)).toEqual([
        Result.fail(new EngineUnreachable({ url, problem: "the connection was broken off" })),
      ])
      expect(fs.readdirSync(archives)).toEqual([])
    }),
  )

  it.live("that fails for a client without trailers breaks the connection off", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory, "engine.sock")
      const failure = new CheckpointAborted({ id, step: "commit", reason: "disk full", container: "running" })
      yield* serving(writing(3, Effect.fail(failure)), { _tag: "Unix", path })
      yield* Effect.sleep("200 millis")
      const end = yield* Effect.promise(
        () =>
          new Promise<string>((resolve) => {
            const request = http.request(
              { socketPath: path, method: "POST", path: "/v5.4.2/libpod/containers/web/checkpoint?export=true" },
              (response) => {
                response.on("error", ({ message }) => resolve(`${response.statusCode} ${message}`))
                response.on("end", () => resolve("whole"))
                response.resume()
              },
            )
            request.end()
          }),
      )
      expect(end).toBe("200 aborted")
    }),
  )

  it.live("goes at the pace of its file, block by block", () =>
    Effect.gen(function* () {
      let ahead = 0
      let most = 0
      const engine = engineWith({
        checkpoint: (_, { target }) =>
          Effect.gen(function* () {
            if (target._tag !== "Archive" || target.destination._tag !== "Stream") return yield* Effect.die("no stream")
            for (let at = 0; at < 400; at++) {
              yield* Effect.orDie(target.destination.write(block))
              most = Math.max(most, ++ahead)
            }
            return [{ input: id, result: Result.succeed(report) }]
          }),
      })
      const taken = yield* Effect.flatMap(ContainerEngine, (containers) =>
        containers.checkpoint(Selection.names("web"), {
          ...archiveAt(""),
          target: {
            ...archiveAt("").target,
            destination: {
              _tag: "Stream",
              write: (bytes) =>
                Effect.sync(() => void (ahead -= bytes.length / block.length)).pipe(Effect.delay("1 millis")),
            },
          },
        }),
      ).pipe(Effect.provide(overService(engine)))
      expect(taken.map(({ result }) => result._tag)).toEqual(["Success"])
      // what lies in the buffers of two sockets and of HTTP; the archive has 400 blocks
      expect(most).toBeLessThan(100)
    }),
  )
})

describe("an import", () => {
  const heard: Array<string> = []
  const listening = engineWith({
    restore: (source) =>
      Effect.gen(function* () {
        if (source._tag !== "Archive" || source.archive._tag !== "Stream") return yield* Effect.die("no stream")
        const result = yield* Effect.result(
          Stream.runFold(
            source.archive.bytes,
            () => 0,
            (sum, bytes) => sum + bytes.length,
          ),
        )
        heard.push(Result.isSuccess(result) ? "the end" : result.failure._tag)
        return [
          {
            input: "",
            result: Result.map(result, () => ({
              Id: id,
              runtime_restore_duration: 0,
              criu_statistics: null,
              warnings: [],
            })),
          },
        ]
      }).pipe(
        Effect.onInterrupt(() => Effect.sync(() => heard.push("an interruption"))),
        Effect.tapDefect((defect) => Effect.sync(() => heard.push(`a defect: ${String(defect)}`))),
      ),
  })

  it.live("whose client goes is a source that cannot be read, and no defect of the service", () =>
    Effect.gen(function* () {
      heard.length = 0
      const path = join(yield* temporaryDirectory, "engine.sock")
      yield* serving(listening, { _tag: "Unix", path })
      yield* Effect.sleep("200 millis")
      yield* Effect.promise(
        () =>
          new Promise<void>((resolve) => {
            const request = http.request({
              socketPath: path,
              method: "POST",
              path: "/v5.4.2/libpod/containers/import/restore?import=true",
              headers: { "transfer-encoding": "chunked" },
            })
            request.on("error", () => resolve())
            request.write(block, () => setTimeout(() => request.destroy(), 50))
          }),
      )
      yield* Effect.sleep("200 millis")
      expect(["StorageFailed", "an interruption"]).toContain(heard.join(" and "))
    }),
  )

  it.live("whose bytes fail is that failure", () =>
    Effect.gen(function* () {
      const failure = new StorageFailed({ operation: "read", path: "/x.tar", code: "EIO" })
      const bytes = Stream.concat(Stream.make(block), Stream.fail(failure))
      const items = yield* Effect.flatMap(ContainerEngine, (engine) =>
        engine.restore({ _tag: "Archive", archive: { _tag: "Stream", bytes } }, defaultRestore),
      ).pipe(Effect.provide(overService(listening)))
      expect(items.map(({ result }) => result)).toEqual([Result.fail(failure)])
    }),
  )
})

describe("a client that has said its last word", () => {
  it.live(
    "and goes is noticed, although the container says nothing",
    () =>
      Effect.gen(function* () {
        const path = join(yield* temporaryDirectory, "engine.sock")
        let ended = false
        const silent = engineWith({
          attach: () => Effect.never.pipe(Effect.onInterrupt(() => Effect.sync(() => void (ended = true)))),
        })
        yield* serving(silent, { _tag: "Unix", path })
        yield* Effect.sleep("200 millis")
        const attached = (url: string) =>
          Effect.promise(
            () =>
              new Promise<net.Socket>((resolve) => {
                const socket = net.connect({ path, allowHalfOpen: true })
                socket.once("data", () => resolve(socket))
                socket.write(
                  `POST ${url} HTTP/1.1\r\nHost: d\r\nUpgrade: tcp\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n`,
                )
              }),
          )
        const socket = yield* attached(
          "/v5.4.2/libpod/containers/web/attach?stream=true&logs=true&stdin=true&stdout=true",
        )
        socket.end()
        yield* Effect.sleep("500 millis")
        // its end is the end of its input, and nothing more
        expect(ended).toBe(false)
        socket.destroy()
        yield* Effect.sleep("50 millis").pipe(Effect.repeat({ until: () => ended, times: 200 }))
        expect(ended).toBe(true)
      }),
    20_000,
  )
})
