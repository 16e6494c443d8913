/** Checkpoints on this host behind the interface that every engine has. */
import { CheckpointEngine } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { AllServices } from "../EngineServices.ts"
import { loadCheckpointing } from "../loadCheckpointing.ts"

type Loaded = Effect.Success<typeof loadCheckpointing>

export const checkpointEngineLayer: Layer.Layer<CheckpointEngine, never, AllServices> = Layer.effect(
  CheckpointEngine,
  Effect.gen(function* () {
    const services = yield* Effect.context<AllServices>()
    const here = <A, E>(work: (loaded: Loaded) => Effect.Effect<A, E, AllServices>): Effect.Effect<A, E> =>
      Effect.provideContext(Effect.flatMap(loadCheckpointing, work), services)
    const streamed = <A, E>(work: (loaded: Loaded) => Stream.Stream<A, E, AllServices>): Stream.Stream<A, E> =>
      Stream.provideContext(Stream.unwrap(Effect.map(loadCheckpointing, work)), services)
    return CheckpointEngine.of({
      inspect: (source, options) => here(({ inspectCheckpoint }) => inspectCheckpoint(source, options)),
      list: (directories) => here(({ listCheckpoints }) => listCheckpoints(directories)),
      check: (source, options) => here(({ checkCheckpoint }) => checkCheckpoint(source, options)),
      plan: (ref, options) => here(({ planCheckpoint }) => planCheckpoint(ref, options)),
      diff: (before, after, options) => here(({ diffCheckpoints }) => diffCheckpoints(before, after, options)),
      search: (source, options) => streamed(({ searchCheckpoint }) => searchCheckpoint(source, options)),
      memory: (source, options) => streamed(({ readCheckpointMemory }) => readCheckpointMemory(source, options)),
    })
  }),
)
