/** What happens to every request before it is matched, and to every response before it goes out. */
import { PageRefused, RouteNotFound, statusOfFailure, toWire, VersionUnknown } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import { pageProblem } from "./browsers.ts"
import { logged } from "./RequestLog.ts"
import { isSpoken, requestPath } from "./RequestPath.ts"

/** What the service says it is, in the headers of every response. */
export interface ServiceVersions {
  /** This program's own version. */
  readonly program: string
  /** The version of libpod's API that is spoken. */
  readonly libpod: string
  /** The version of Docker's API that clients of both ask for. */
  readonly docker: string
}

const headersOf = (versions: ServiceVersions) => ({
  "api-version": versions.docker,
  "libpod-api-version": versions.libpod,
  server: `Libpod/${versions.libpod} (linux) cryopod/${versions.program}`,
})

/** What keeps strangers out: the peer of a connection (a socket's owner, a certificate), or only that it is of this host. */
export type Guard = "peer" | "loopback"

export const libpodRequests = (versions: ServiceVersions, guard: Guard) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const router = yield* HttpRouter.HttpRouter
      const headers = headersOf(versions)
      yield* router.addGlobalMiddleware(
        Effect.fnUntraced(function* (app) {
          const request = yield* HttpServerRequest.HttpServerRequest
          const { url, version } = requestPath(request.method, request.url)
          const { host, origin, "sec-fetch-site": site } = request.headers
          const page = pageProblem({ host, origin, site }, guard === "peer")
          const answer =
            page !== undefined
              ? Effect.succeed(refusal(new PageRefused({ problem: page })))
              : version !== undefined && !isSpoken(version)
                ? Effect.succeed(refusal(new VersionUnknown({ version, spoken: versions.libpod })))
                : Effect.provideService(app, HttpServerRequest.HttpServerRequest, request.modify({ url }))
          const response = yield* Effect.catchIf(answer, isUnmatched, () =>
            Effect.succeed(refusal(new RouteNotFound({ request: `${request.method} ${pathOf(request.url)}` }))),
          )
          // a connection that was to be taken over, and was not, is closed behind its answer
          return HttpServerResponse.setHeaders(
            response,
            request.headers["upgrade"] === undefined ? headers : { ...headers, connection: "close" },
          )
        }, logged),
      )
    }),
  )

const pathOf = (url: string): string => url.split("?", 1)[0] ?? ""

const isUnmatched = (error: unknown): error is never =>
  HttpServerError.isHttpServerError(error) && error.reason._tag === "RouteNotFound"

/** A failure that no endpoint has declared, as every other. */
const refusal = (failure: RouteNotFound | VersionUnknown | PageRefused) =>
  HttpServerResponse.jsonUnsafe(toWire(failure), { status: statusOfFailure(failure) })
