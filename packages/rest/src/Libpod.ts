/**
 * What every endpoint shares.
 *
 * On the server the layer of this middleware reads parameters as Go reads them, and refuses requests that cannot be read in
 * libpod's form. On the client it makes the documents whole that Go wrote.
 */
import * as Effect from "effect/Effect"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import type * as Layer from "effect/Layer"
import type * as Schema from "effect/Schema"
import { withZeroValues } from "./GoValues.ts"
import { onWire, RequestInvalid } from "./WireFailure.ts"

export class Libpod extends HttpApiMiddleware.Service<Libpod>()("@cryopod/rest/Libpod", {
  error: onWire(RequestInvalid),
  requiredForClient: true,
}) {}

/** Fills in what Go leaves out of the documents of a Podman service, and takes out what it writes where nothing is expected. */
export const libpodClient: Layer.Layer<HttpApiMiddleware.ForClient<Libpod>> = HttpApiMiddleware.layerClient(
  Libpod,
  ({ endpoint, next, request }) =>
    Effect.gen(function* () {
      const response = yield* next(request)
      if (response.status < 200 || response.status > 299) return response
      if (endpoint.success.size > 0 && [...endpoint.success].every(isNothing)) {
        yield* response.arrayBuffer
        return withBody(response, new Uint8Array())
      }
      const document = documentOf(endpoint)
      if (document === undefined || !isJson(response)) return response
      const whole = withZeroValues(document, yield* response.json)
      return withBody(response, new TextEncoder().encode(JSON.stringify(whole)))
    }),
)

/** The response with another body. One of Node's own would load all of its `fetch`: half of the time of a short command. */
const withBody = (
  response: HttpClientResponse.HttpClientResponse,
  { buffer }: Uint8Array<ArrayBuffer>,
): HttpClientResponse.HttpClientResponse =>
  Object.create(response, { arrayBuffer: { value: Effect.succeed(buffer) } }) as HttpClientResponse.HttpClientResponse

const isJson = (response: HttpClientResponse.HttpClientResponse): boolean =>
  response.headers["content-type"]?.startsWith("application/json") === true

/** The JSON document that an endpoint answers with; none where the answer is a stream, a connection or nothing. */
const documentOf = (endpoint: HttpApiEndpoint.Top): Schema.Top | undefined => {
  const schemas = [...endpoint.success]
  // progress comes as lines of JSON under the media type of one document
  if (schemas.some((schema) => "mode" in schema && schema.mode === "ndjson")) return undefined
  return schemas.find((schema) => !("mode" in schema) && !("protocol" in schema) && !isNothing(schema))
}

const isNothing = (schema: Schema.Top): boolean =>
  !("mode" in schema) && !("protocol" in schema) && HttpApiSchema.isNoContent(schema.ast)
