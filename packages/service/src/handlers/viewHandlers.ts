/** What is told of containers: lists, documents, changes, processes. */
import { type ContainerEngine, ContainerNotFound, OptionInvalid, type PathChange } from "@cryopod/entities"
import { LibpodApi } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { filterWords } from "../filterWords.ts"

/** libpod's numbers (containers/storage `archive.ChangeType`). */
const changeNumbers: Readonly<Record<PathChange["kind"], number>> = { modified: 0, added: 1, deleted: 2 }

export const viewHandlers = (engine: ContainerEngine["Service"]) => ({
  list: HttpApiBuilder.handler(LibpodApi, "containers", "list", ({ query }) => {
    const last = query.alsoLast ?? query.last ?? -1
    return engine.list({
      all: query.all ?? false,
      latest: false,
      filter: filterWords(query.filters),
      last: last > 0 ? last : -1,
      external: query.external ?? false,
      size: query.size ?? false,
    })
  }),
  exists: HttpApiBuilder.handler(LibpodApi, "containers", "exists", ({ params }) =>
    Effect.flatMap(engine.exists(params.name), (exists) =>
      exists ? Effect.void : Effect.fail(new ContainerNotFound({ ref: params.name })),
    ),
  ),
  inspect: HttpApiBuilder.handler(LibpodApi, "containers", "inspect", ({ params }) => engine.inspect(params.name)),
  top: HttpApiBuilder.handler(LibpodApi, "containers", "top", ({ params, query }) =>
    Effect.gen(function* () {
      if (query.stream === true)
        return yield* new OptionInvalid({ option: "stream", value: "true", problem: "one list is given at a time" })
      // a single argument with commas is how clients before 4.8 sent several
      const given = query.ps_args ?? []
      const descriptors = given.length === 1 ? (given[0] ?? "").split(",") : given
      const [titles = [], ...processes] = yield* engine.top(params.name, descriptors)
      return { Titles: titles, Processes: processes }
    }),
  ),
  healthcheck: HttpApiBuilder.handler(LibpodApi, "containers", "healthcheck", ({ params }) =>
    engine.healthcheck(params.name),
  ),
  changes: HttpApiBuilder.handler(LibpodApi, "containers", "changes", ({ params, query }) =>
    Effect.gen(function* () {
      if (query.parent !== undefined)
        return yield* new OptionInvalid({
          option: "parent",
          value: query.parent,
          problem: "only the image is compared with",
        })
      const changes = yield* engine.diff(params.name)
      return changes.map(({ kind, path }) => ({ Path: path, Kind: changeNumbers[kind] }))
    }),
  ),
})
