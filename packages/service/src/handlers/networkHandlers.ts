/** Networks. */
import { NetworkEngine, NetworkNotFound, NotSupported } from "@cryopod/entities"
import { attachmentFrom, LibpodApi, networkOptionsOf } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Option from "effect/Option"
import { filterWords } from "../filterWords.ts"
import { pruned } from "../pruned.ts"
import { single } from "../single.ts"
import { standardTime } from "./volumeHandlers.ts"

/** An engine without networks says so when it is asked for one. */
export const networkHandlers = HttpApiBuilder.group(LibpodApi, "networks", (handlers) =>
  Effect.gen(function* () {
    const found = yield* Effect.serviceOption(NetworkEngine)
    const engine = Option.match(found, {
      onNone: () => Effect.fail(new NotSupported({ what: "networks" })),
      onSome: (service) => Effect.succeed(service),
    })
    return handlers.handleAll({
      list: ({ query }) => Effect.flatMap(engine, (networks) => networks.list({ filter: filterWords(query.filters) })),
      create: ({ payload, query }) =>
        Effect.gen(function* () {
          const networks = yield* engine
          const options = networkOptionsOf(payload)
          const name = yield* networks.create({ ...options, ignore: query.ignoreIfExists ?? options.ignore })
          const { containers: _, ...network } = yield* networks.inspect(name)
          return network
        }),
      prune: ({ query }) =>
        Effect.gen(function* () {
          const items = yield* (yield* engine).prune({ filter: filterWords(query.filters) })
          return pruned(items, query.failures).map(({ Id: name, failure }) => ({
            Name: name,
            Error: null,
            ...(failure === undefined ? {} : { failure }),
          }))
        }),
      inspect: ({ params }) => Effect.flatMap(engine, (networks) => networks.inspect(params.name)),
      exists: ({ params }) =>
        Effect.gen(function* () {
          if (!(yield* (yield* engine).exists(params.name))) return yield* new NetworkNotFound({ ref: params.name })
        }),
      connect: ({ params, payload: { container, ...place } }) =>
        Effect.gen(function* () {
          const attachment = yield* Effect.fromResult(attachmentFrom(params.name, place))
          yield* (yield* engine).connect(container, attachment)
        }),
      disconnect: ({ params, payload }) =>
        Effect.gen(function* () {
          const options = { network: params.name, force: payload.Force ?? false }
          yield* (yield* engine).disconnect(payload.Container, options)
        }),
      remove: ({ params, query }) =>
        Effect.gen(function* () {
          const items = yield* (yield* engine).remove([params.name], {
            force: query.force ?? false,
            timeSeconds: query.time ?? standardTime,
          })
          const removed = yield* single(items)
          return removed === undefined ? [] : [{ Name: params.name, Err: null }]
        }),
    })
  }),
)
