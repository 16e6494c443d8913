/** What takes containers away. */
import { type ContainerEngine, type ContainerFailure, ContainerNotFound, Selection } from "@cryopod/entities"
import { LibpodApi } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { filterWords } from "../filterWords.ts"
import { pruned } from "../pruned.ts"
import { single } from "../single.ts"

export const removalHandlers = (engine: ContainerEngine["Service"]) => ({
  remove: HttpApiBuilder.handler(LibpodApi, "containers", "remove", ({ params, query }) =>
    Effect.gen(function* () {
      const ignore = query.ignore ?? false
      const id = yield* idOf(engine, params.name)
      yield* single(
        yield* engine.remove(Selection.names(params.name), {
          force: query.force ?? false,
          ignore,
          depend: query.depend ?? false,
          timeSeconds: query.time ?? -1,
          volumes: query.v ?? query.volumes ?? false,
        }),
      )
      return id === undefined ? [] : [{ Id: id, Err: null }]
    }),
  ),
  prune: HttpApiBuilder.handler(LibpodApi, "containers", "prune", ({ query }) =>
    Effect.gen(function* () {
      const rows = yield* engine.list({
        all: true,
        latest: false,
        filter: filterWords(query.filters),
        last: -1,
        external: false,
        size: false,
      })
      const idle = rows.filter(({ State: state }) => state === "created" || state === "exited" || state === "stopped")
      const removals = yield* Effect.forEach(idle, ({ Id: id }) =>
        engine.remove(Selection.names(id), { force: false, ignore: true, timeSeconds: 0 }),
      )
      return pruned(removals.flat(), query.failures)
    }),
  ),
})

/** Full id; none when there is no such container, about which the operation itself complains. */
const idOf = (engine: ContainerEngine["Service"], name: string): Effect.Effect<string | undefined, ContainerFailure> =>
  engine.inspect(name).pipe(
    Effect.map(({ Id: id }) => id),
    Effect.catchIf(
      (failure) => failure instanceof ContainerNotFound,
      () => Effect.succeed(undefined),
    ),
  )
