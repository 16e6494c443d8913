/**
 * A service over the engine in memory, but for archives: whoever takes a checkpoint of `web` gets this content, and what a
 * restore reads is counted and dropped; the number of bytes is the id of the container.
 */
import { ContainerEngine, type ContainerEngineShape, CreateFlags, ImageEngine, optionValues } from "@cryopod/entities"
import { EngineMemory } from "@cryopod/entities/testing"
import { type Address, serve } from "@cryopod/service"
import * as Context from "effect/Context"
import * as Tar from "effect/encoding/Tar"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"

const report = { Id: "f".repeat(64), runtime_checkpoint_duration: 0, criu_statistics: null, warnings: [] }

const rootfs = Stream.make(Tar.directory("etc/"), Tar.file("etc/motd", "welcome\n")).pipe(
  Stream.pipeThroughChannel(Tar.encode()),
  Stream.orDie,
)

type Content = Stream.Stream<Uint8Array, unknown>

const engineWith = (content: Content) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const context = yield* Layer.build(EngineMemory.layer())
      const containers = Context.get(context, ContainerEngine)
      const image = yield* Context.get(context, ImageEngine).import(
        { _tag: "Stream", bytes: rootfs },
        { name: "base", changes: [], message: "" },
      )
      yield* containers.create({ ...optionValues(CreateFlags), name: "web", image, command: ["count"] })
      const own: Partial<ContainerEngineShape> = {
        checkpoint: (_, { target }) =>
          Effect.gen(function* () {
            if (target._tag !== "Archive" || target.destination._tag !== "Stream") return yield* Effect.die("no stream")
            yield* Effect.orDie(Stream.runForEach(content, target.destination.write))
            return [{ input: report.Id, result: Result.succeed(report) }]
          }),
        restore: (source) =>
          Effect.gen(function* () {
            if (source._tag !== "Archive" || source.archive._tag !== "Stream") return yield* Effect.die("no stream")
            const length = yield* Effect.orDie(
              Stream.runFold(
                source.archive.bytes,
                () => 0,
                (sum, block) => sum + block.length,
              ),
            )
            const result = { Id: String(length), runtime_restore_duration: 0, criu_statistics: null, warnings: [] }
            return [{ input: "", result: Result.succeed(result) }]
          }),
      }
      return Context.add(context, ContainerEngine, ContainerEngine.of({ ...containers, ...own }))
    }),
  )

/** Until this process ends. */
export const serveArchives = (address: Address, content: Content): void => {
  const service = serve({
    address,
    versions: { program: "0.0.0", libpod: "5.4.2", docker: "1.41" },
    idleMillis: 0,
  })
  Effect.runFork(
    service.pipe(Effect.provide(engineWith(content)), Effect.provideService(References.MinimumLogLevel, "None")),
  )
}
