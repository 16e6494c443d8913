/** From `create` to `rename`: what changes one container's state. */
import { type ContainerEngine, type CreateFailure, Selection } from "@cryopod/entities"
import { createOptionsOf, LibpodApi } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { Runs } from "../sessions/Runs.ts"
import { single } from "../single.ts"

/** It was so already. */
const unchanged = HttpServerResponse.empty({ status: 304 })

export const lifecycleHandlers = (engine: ContainerEngine["Service"], runs: Runs) => {
  const start = (name: string): Effect.Effect<string, CreateFailure> =>
    Effect.gen(function* () {
      const { Id: id } = yield* engine.inspect(name)
      yield* runs.start(id)
      return id
    })

  return {
    create: HttpApiBuilder.handler(LibpodApi, "containers", "create", ({ payload }) =>
      Effect.gen(function* () {
        const options = yield* Effect.fromResult(createOptionsOf(payload))
        const { id } = yield* engine.create(options)
        return { Id: id, Warnings: [] }
      }),
    ),
    start: HttpApiBuilder.handler(LibpodApi, "containers", "start", ({ params }) =>
      Effect.gen(function* () {
        const { State: state } = yield* engine.inspect(params.name)
        if (state.Running) return unchanged
        yield* start(params.name)
      }),
    ),
    stop: HttpApiBuilder.handler(LibpodApi, "containers", "stop", ({ params, query }) =>
      Effect.gen(function* () {
        const ignore = query.ignore ?? false
        const stopped = yield* isStopped(engine, params.name).pipe(
          Effect.catchTag("ContainerNotFound", (failure) => (ignore ? Effect.succeed(false) : Effect.fail(failure))),
        )
        if (stopped) return unchanged
        yield* single(yield* engine.stop(Selection.names(params.name), { ignore, timeSeconds: query.time ?? -1 }))
      }),
    ),
    restart: HttpApiBuilder.handler(LibpodApi, "containers", "restart", ({ params, query }) =>
      Effect.gen(function* () {
        if (!(yield* isStopped(engine, params.name))) {
          yield* single(yield* engine.stop(Selection.names(params.name), { ignore: false, timeSeconds: query.t ?? -1 }))
        }
        yield* start(params.name)
      }),
    ),
    kill: HttpApiBuilder.handler(LibpodApi, "containers", "kill", ({ params, query }) =>
      Effect.gen(function* () {
        yield* single(yield* engine.kill(Selection.names(params.name), { signal: query.signal ?? "KILL" }))
      }),
    ),
    pause: HttpApiBuilder.handler(LibpodApi, "containers", "pause", ({ params }) =>
      Effect.asVoid(Effect.flatMap(engine.pause(Selection.names(params.name)), single)),
    ),
    unpause: HttpApiBuilder.handler(LibpodApi, "containers", "unpause", ({ params }) =>
      Effect.asVoid(Effect.flatMap(engine.unpause(Selection.names(params.name)), single)),
    ),
    wait: HttpApiBuilder.handler(LibpodApi, "containers", "wait", ({ params, query }) =>
      runs.wait(params.name, { conditions: query.condition ?? [], interval: query.interval }),
    ),
    rename: HttpApiBuilder.handler(LibpodApi, "containers", "rename", ({ params, query }) =>
      engine.rename(params.name, query.name ?? ""),
    ),
  }
}

const isStopped = (engine: ContainerEngine["Service"], name: string) =>
  Effect.map(engine.inspect(name), ({ State: { Status: status } }) => status === "exited" || status === "stopped")
