/** Engines as a client of theirs has them: through a service on a socket, in this process. */
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { CheckpointEngine, ContainerEngine, ImageEngine, SystemEngine, VolumeEngine } from "@cryopod/entities"
import { type Address, type Limits, serve } from "@cryopod/service"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import { tunnelEngine, type TunnelSettings } from "../../src/index.ts"

type Engines = CheckpointEngine | ContainerEngine | ImageEngine | SystemEngine | VolumeEngine

export const versions = { program: "0.0.0", libpod: "5.4.2", docker: "1.41" }

export interface ServiceOptions {
  readonly limits?: Limits
}

/** A service over these engines, for as long as the layer lives; succeeds with where it listens. */
export const serving = Effect.fnUntraced(function* <E>(
  engines: Layer.Layer<Engines, E>,
  address: Address,
  options: ServiceOptions = {},
) {
  const context = yield* Layer.build(engines)
  yield* serve({ address, versions, idleMillis: 0, ...options }).pipe(
    Effect.provideContext(context),
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.orDie,
    Effect.forkScoped,
  )
})

/** A directory that goes with the scope. */
export const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "cryopod-tunnel-"))),
  (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true, force: true })),
)

export const overService = <E>(engines: Layer.Layer<Engines, E>, settings: Omit<TunnelSettings, "url"> = {}) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory, "engine.sock")
      yield* serving(engines, { _tag: "Unix", path })
      return once(tunnelEngine({ url: `unix://${path}`, ...settings }))
    }),
  )

/** The service has just been told to listen. */
export const once = <A, E>(layer: Layer.Layer<A, E>): Layer.Layer<A, E> =>
  Layer.effectContext(Effect.retry(Layer.build(layer), { times: 100, schedule: Schedule.spaced("20 millis") }))
