/** Pods. */
import {
  type HostFailure,
  type Items,
  type NoPods,
  OptionInvalid,
  PodEngine,
  type PodFailure,
  PodNotFound,
  type PodReport,
  Selection,
  NotSupported,
} from "@cryopod/entities"
import { LibpodApi, podOptionsOf } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Option from "effect/Option"
import { filterWords } from "../filterWords.ts"
import { pruned } from "../pruned.ts"
import { single } from "../single.ts"

/** It was so already. */
const unchanged = HttpServerResponse.empty({ status: 304 })

type PodItems = Effect.Effect<Items<PodReport, PodFailure>, HostFailure | NoPods>

/** The report of the one pod; it was so already when there is none. */
const acted = (items: PodItems) =>
  Effect.map(Effect.flatMap(items, single), (report) =>
    report === undefined ? unchanged : { Id: report.Id, RawInput: report.Name },
  )

/** An engine without pods says so when it is asked for one. */
export const podHandlers = HttpApiBuilder.group(LibpodApi, "pods", (handlers) =>
  Effect.gen(function* () {
    const found = yield* Effect.serviceOption(PodEngine)
    const engine = Option.match(found, {
      onNone: () => Effect.fail(new NotSupported({ what: "pods" })),
      onSome: (service) => Effect.succeed(service),
    })
    return handlers.handleAll({
      list: ({ query }) =>
        Effect.flatMap(engine, (pods) => pods.list({ filter: filterWords(query.filters), latest: false })),
      create: ({ payload }) =>
        Effect.gen(function* () {
          const options = yield* Effect.fromResult(podOptionsOf(payload))
          return { Id: (yield* (yield* engine).create(options)).id }
        }),
      prune: ({ query }) =>
        Effect.map(
          Effect.flatMap(engine, (pods) => pods.prune),
          (items) => pruned(items, query.failures, ({ Id: id }) => id),
        ),
      inspect: ({ params }) => Effect.flatMap(engine, (pods) => pods.inspect(params.name)),
      exists: ({ params }) =>
        Effect.gen(function* () {
          if (!(yield* (yield* engine).exists(params.name))) return yield* new PodNotFound({ ref: params.name })
        }),
      start: ({ params }) => Effect.flatMap(engine, (pods) => acted(pods.start(Selection.names(params.name)))),
      restart: ({ params }) => Effect.flatMap(engine, (pods) => acted(pods.restart(Selection.names(params.name)))),
      pause: ({ params }) => Effect.flatMap(engine, (pods) => acted(pods.pause(Selection.names(params.name)))),
      unpause: ({ params }) => Effect.flatMap(engine, (pods) => acted(pods.unpause(Selection.names(params.name)))),
      stop: ({ params, query }) =>
        Effect.flatMap(engine, (pods) =>
          acted(
            pods.stop(Selection.names(params.name), {
              timeSeconds: query.time ?? -1,
              ignore: query.ignore ?? false,
            }),
          ),
        ),
      kill: ({ params, query }) =>
        Effect.flatMap(engine, (pods) =>
          acted(pods.kill(Selection.names(params.name), { signal: query.signal ?? "KILL" })),
        ),
      remove: ({ params, query }) =>
        Effect.gen(function* () {
          const removed = yield* single(
            yield* (yield* engine).remove(Selection.names(params.name), {
              force: query.force ?? false,
              ignore: query.ignore ?? false,
              timeSeconds: query.time ?? -1,
            }),
          )
          return { Id: removed?.Id ?? "", Err: null, RemovedCtrs: {} }
        }),
      top: ({ params, query }) =>
        Effect.gen(function* () {
          if (query.stream === true)
            return yield* new OptionInvalid({ option: "stream", value: "true", problem: "one list is given at a time" })
          const descriptors = query.ps_args?.split(",") ?? []
          const [titles = [], ...processes] = yield* (yield* engine).top(params.name, descriptors)
          return { Titles: titles, Processes: processes }
        }),
    })
  }),
)
