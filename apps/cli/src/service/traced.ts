/** Traces go where OTEL_EXPORTER_OTLP_ENDPOINT says (OpenTelemetry's environment variables), and nowhere without it. */
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import { version } from "../version.ts"

type Environment = Readonly<Record<string, string | undefined>>

export const traced =
  (environment: Environment) =>
  <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
    const endpoint = endpointOf(environment)
    if (endpoint === undefined) return work
    const tracer = OtlpTracer.layer({
      url: endpoint,
      resource: { serviceName: environment["OTEL_SERVICE_NAME"] || "cryopod", serviceVersion: version },
      headers: headersOf(environment["OTEL_EXPORTER_OTLP_HEADERS"]),
    }).pipe(Layer.provide(FetchHttpClient.layer), Layer.provide(OtlpSerialization.layerJson))
    return Effect.provide(work, tracer)
  }

/** The endpoint for traces as it stands, or the one for everything with the path of traces. */
const endpointOf = (environment: Environment): string | undefined => {
  const own = environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
  if (own) return own
  const base = environment["OTEL_EXPORTER_OTLP_ENDPOINT"]
  return base ? `${base.replace(/\/+$/, "")}/v1/traces` : undefined
}

/** `name=value,name=value`. */
const headersOf = (text: string | undefined): Record<string, string> =>
  Object.fromEntries(
    (text ?? "").split(",").flatMap((pair) => {
      const at = pair.indexOf("=")
      return at < 1 ? [] : [[pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())]]
    }),
  )
