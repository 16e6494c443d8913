/** Named volumes. */
import { VolumeEngine, VolumeNotFound } from "@cryopod/entities"
import { LibpodApi, volumeOptionsOf } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { filterWords } from "../filterWords.ts"
import { pruned } from "../pruned.ts"
import { single } from "../single.ts"

export const volumeHandlers = HttpApiBuilder.group(LibpodApi, "volumes", (handlers) =>
  Effect.gen(function* () {
    const engine = yield* VolumeEngine
    return handlers.handleAll({
      list: ({ query }) => engine.list({ filter: filterWords(query.filters) }),
      create: ({ payload }) => Effect.flatMap(engine.create(volumeOptionsOf(payload)), (name) => engine.inspect(name)),
      prune: ({ query }) =>
        Effect.map(engine.prune({ filter: filterWords(query.filters) }), (items) => pruned(items, query.failures)),
      inspect: ({ params }) => engine.inspect(params.name),
      exists: ({ params }) =>
        Effect.flatMap(engine.exists(params.name), (exists) =>
          exists ? Effect.void : Effect.fail(new VolumeNotFound({ ref: params.name })),
        ),
      remove: ({ params, query }) =>
        engine
          .remove(
            { _tag: "Names", names: [params.name] },
            { force: query.force ?? false, timeSeconds: query.time ?? standardTime },
          )
          .pipe(Effect.flatMap(single), Effect.asVoid),
    })
  }),
)

/** Seconds that containers get which go with what they use. */
export const standardTime = 10
