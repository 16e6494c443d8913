/** Checkpoints on this host behind the interface that every engine has. */
import { CheckpointEngine } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { AllServices } from "../EngineServices.ts"
import { checkCheckpoint } from "../compatibility/checkCheckpoint.ts"
import { diffCheckpoints } from "./diffCheckpoints.ts"
import { inspectCheckpoint } from "./inspectCheckpoint.ts"
import { listCheckpoints } from "./listCheckpoints.ts"
import { readCheckpointMemory, searchCheckpoint } from "./memory.ts"

export const checkpointEngineLayer: Layer.Layer<CheckpointEngine, never, AllServices> = Layer.effect(
  CheckpointEngine,
  Effect.gen(function* () {
    const services = yield* Effect.context<AllServices>()
    const here = <A, E>(effect: Effect.Effect<A, E, AllServices>): Effect.Effect<A, E> =>
      Effect.provideContext(effect, services)
    return CheckpointEngine.of({
      inspect: (source, options) => here(inspectCheckpoint(source, options)),
      list: (directories) => here(listCheckpoints(directories)),
      check: (source, options) => here(checkCheckpoint(source, options)),
      diff: (before, after, options) => here(diffCheckpoints(before, after, options)),
      search: (source, options) => Stream.provideContext(searchCheckpoint(source, options), services),
      memory: (source, options) => Stream.provideContext(readCheckpointMemory(source, options), services),
    })
  }),
)
