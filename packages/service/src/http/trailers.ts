/** Trailers of a response, for clients that take them. */
import { reportTrailer, takesTrailers, type Told, trailerText } from "@cryopod/rest"
import { toServerResponse } from "@effect/platform-node/NodeHttpServerRequest"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"

export interface Trailers {
  /** To be said before the head of the response goes out. */
  readonly announce: Effect.Effect<void>
  /** To be said before the end of the body. */
  readonly tell: (told: Told) => Effect.Effect<void>
}

/** Undefined for a client that takes none. */
export const trailers: Effect.Effect<Trailers | undefined, never, HttpServerRequest.HttpServerRequest> = Effect.map(
  HttpServerRequest.HttpServerRequest,
  (request) => {
    if (request.headers["te"] !== takesTrailers) return undefined
    const response = toServerResponse(request)
    return {
      announce: Effect.sync(() => void response.setHeader("trailer", reportTrailer)),
      tell: (told) => Effect.sync(() => response.addTrailers({ [reportTrailer]: trailerText(told) })),
    }
  },
)
