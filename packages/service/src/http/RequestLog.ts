/** One line for each request, under an id that its answer carries, too. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { nanoid } from "nanoid"

/** Header that libpod's service puts the id of a request into. */
const idHeader = "x-reference-id"

export const logged = <E, R>(
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>,
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> =>
  Effect.gen(function* () {
    const { method, url } = yield* HttpServerRequest.HttpServerRequest
    const id = nanoid(12)
    const began = yield* Clock.currentTimeMillis
    return yield* app.pipe(
      Effect.annotateLogs({ request: id }),
      Effect.map(HttpServerResponse.setHeader(idHeader, id)),
      Effect.onExit((exit) =>
        Effect.gen(function* () {
          const millis = (yield* Clock.currentTimeMillis) - began
          const outcome = Exit.isSuccess(exit)
            ? { status: exit.value.status }
            : { status: 0, cause: String(exit.cause) }
          yield* Effect.logInfo("request").pipe(Effect.annotateLogs({ request: id, method, url, ...outcome, millis }))
        }),
      ),
    )
  })
