/** The server's half of what every endpoint shares: parameters read as Go reads them, and refusals in libpod's form. */
import { canonicalQuery, Libpod, RequestInvalid } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as Layer from "effect/Layer"
import * as SchemaIssue from "effect/SchemaIssue"
import type { unhandled } from "effect/Types"

export const libpodServer: Layer.Layer<Libpod> = Layer.succeed(Libpod, (handler, { endpoint }) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const given = yield* HttpServerRequest.ParsedSearchParams
    return yield* handler.pipe(
      Effect.provideService(
        HttpServerRequest.ParsedSearchParams,
        endpoint.query === undefined ? given : canonicalQuery(endpoint.query, given),
      ),
      Effect.provideService(HttpServerRequest.HttpServerRequest, withMediaType(request, endpoint)),
      Effect.catch((error): Effect.Effect<never, RequestInvalid | unhandled> =>
        HttpApiError.HttpApiSchemaError.is(error)
          ? Effect.fail(new RequestInvalid({ request: request.url, problem: problemOf(error) }))
          : Effect.fail(error),
      ),
    )
  }),
)

/** A body that can only be of one kind is of that kind, whatever its client calls it. */
const withMediaType = (request: HttpServerRequest.HttpServerRequest, endpoint: HttpApiEndpoint.Top) => {
  const [only, ...others] = endpoint.payload.keys()
  return only === undefined || others.length > 0
    ? request
    : request.modify({ headers: { ...request.headers, "content-type": only } as never })
}

const issues = SchemaIssue.makeFormatterStandardSchemaV1()

/** The first thing that is wrong, in gorilla/schema's words where it has some. */
const problemOf = ({ cause, kind }: HttpApiError.HttpApiSchemaError): string => {
  const [issue] = issues(cause.issue).issues
  const path = (issue?.path ?? []).map((step) => String(typeof step === "object" ? step.key : step)).join(".")
  if (kind === "Query") return `schema: error converting value for "${path}"`
  return `${kind === "Payload" ? "decode()" : kind.toLowerCase()}: ${path === "" ? "" : `${path}: `}${issue?.message ?? "unreadable"}`
}
