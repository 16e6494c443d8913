/**
 * The service of the test of that name, in a process of its own: `transferSize.ts SOCKET`. Its engine writes and reads 1 GiB, and
 * does nothing else; the container that it restores has the number of bytes for an id. When it is ended it tells how much
 * memory it took.
 */
import * as fs from "node:fs"
import { ContainerEngine, type ContainerEngineShape, CreateFlags, ImageEngine } from "@cryopod/entities"
import { EngineMemory } from "@cryopod/entities/testing"
import { serve } from "@cryopod/service"
import * as Context from "effect/Context"
import * as Tar from "effect/encoding/Tar"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

const block = new Uint8Array(2 ** 20).fill(1)
const blocks = 1024

const [socketPath = ""] = process.argv.slice(2)

const peakBytes = () =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) * 1024

const report = { Id: "f".repeat(64), runtime_checkpoint_duration: 0, criu_statistics: null, warnings: [] }

const rootfs = Stream.make(Tar.directory("etc/"), Tar.file("etc/motd", "welcome\n")).pipe(
  Stream.pipeThroughChannel(Tar.encode()),
  Stream.orDie,
)

const engine = Layer.effectContext(
  Effect.gen(function* () {
    const context = yield* Layer.build(EngineMemory.layer())
    const image = yield* Context.get(context, ImageEngine).import(
      { _tag: "Stream", bytes: rootfs },
      { name: "base", changes: [], message: "" },
    )
    const flags = Schema.decodeSync(CreateFlags)({})
    yield* Context.get(context, ContainerEngine).create({ ...flags, name: "web", image, command: ["count"] })
    const own: Partial<ContainerEngineShape> = {
      checkpoint: (_, { target }) =>
        Effect.gen(function* () {
          if (target._tag !== "Archive" || target.destination._tag !== "Stream") return yield* Effect.die("no stream")
          for (let at = 0; at < blocks; at++) yield* Effect.orDie(target.destination.write(block))
          return [{ input: report.Id, result: Result.succeed(report) }]
        }),
      restore: (source) =>
        Effect.gen(function* () {
          if (source._tag !== "Archive" || source.archive._tag !== "Stream") return yield* Effect.die("no stream")
          const bytes = yield* Effect.orDie(
            Stream.runFold(
              source.archive.bytes,
              () => 0,
              (sum, { length }) => sum + length,
            ),
          )
          const result = { Id: String(bytes), runtime_restore_duration: 0, criu_statistics: null, warnings: [] }
          return [{ input: "", result: Result.succeed(result) }]
        }),
    }
    return Context.add(
      context,
      ContainerEngine,
      ContainerEngine.of({ ...Context.get(context, ContainerEngine), ...own }),
    )
  }),
)

process.once("SIGTERM", () => {
  process.stdout.write(`${peakBytes()}\n`)
  process.exit(0)
})
Effect.runFork(
  serve({
    address: { _tag: "Unix", path: socketPath },
    versions: { program: "0.0.0", libpod: "5.4.2", docker: "1.41" },
    idleMillis: 0,
  }).pipe(Effect.provide(engine), Effect.provideService(References.MinimumLogLevel, "None")),
)
