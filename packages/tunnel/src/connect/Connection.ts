/**
 * The way to a service: an HTTP client over a Unix socket, over TCP (with certificates of both sides), or over ssh; and
 * what the service says it is.
 */
import type { Agent } from "node:http"
import type { Agent as TlsAgent } from "node:https"
import { ApiVersionMismatch, EngineUnreachable } from "@cryopod/entities"
import { takesTrailers } from "@cryopod/rest"
import { HttpAgent, type HttpAgentOptions, makeNodeHttp } from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Scope from "effect/Scope"
import type { Destination } from "./Destination.ts"
import { sshForward } from "./sshForward.ts"

/** Who answers: our own service, which hears and says everything exactly, or libpod's. */
export interface Service {
  readonly kind: "cryopod" | "podman"
  /** Version of libpod's API that it speaks. */
  readonly version: string
}

export interface Connection extends Service {
  readonly url: string
  /** Sends requests under the version that the service speaks. */
  readonly http: HttpClient.HttpClient
}

/** Version that this client was written for; servers below the oldest have another API. */
const clientVersion = "5.4.2"
const oldestMajor = 4

/** Succeeds when the service has said who it is. Connections, and the ssh program, go with the scope. */
export const connect = Effect.fn("tunnel.connect")(function* (
  url: string,
  destination: Destination,
): Effect.fn.Return<Connection, EngineUnreachable | ApiVersionMismatch, Scope.Scope> {
  const { base, options } = yield* wayTo(url, destination)
  const agent = yield* Effect.acquireRelease(
    Effect.sync(() => agentFor(base, { keepAlive: true, ...options })),
    (made) => Effect.sync(() => made.destroy()),
  )
  const http = yield* Effect.provideService(makeNodeHttp, HttpAgent, { http: agent, https: agent as TlsAgent })
  const at = (prefix: string) =>
    HttpClient.mapRequest(http, (request) =>
      HttpClientRequest.setHeader(HttpClientRequest.prependUrl(request, prefix), "te", takesTrailers),
    )
  const service = yield* whoAnswers(url, at(base))
  return { ...service, url, http: at(`${base}/v${service.version}`) }
})

/** Of Node's own modules: as an ES module, `node:http` brings all of `fetch` with it. Encryption is for those who need it. */
const agentFor = (base: string, options: HttpAgentOptions): Agent =>
  base.startsWith("https:")
    ? new (process.getBuiltinModule("node:https").Agent)(options)
    : new (process.getBuiltinModule("node:http").Agent)(options)

/** Beginning of every URL, and where its connections really go. */
const wayTo = Effect.fnUntraced(function* (url: string, destination: Destination) {
  switch (destination._tag) {
    case "Unix":
      return { base: "http://d", options: { socketPath: destination.path } }
    case "Ssh":
      return { base: "http://d", options: { socketPath: yield* sshForward(url, destination) } }
    case "Tcp": {
      const { certificates, host, port } = destination
      const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`
      return certificates === undefined
        ? { base: `http://${authority}`, options: {} }
        : { base: `https://${authority}`, options: certificates }
    }
  }
})

const whoAnswers = (
  url: string,
  http: HttpClient.HttpClient,
): Effect.Effect<Service, EngineUnreachable | ApiVersionMismatch> =>
  Effect.gen(function* () {
    const { headers, status } = yield* http.get("/libpod/_ping")
    const version = headers["libpod-api-version"] ?? ""
    if (status !== 200 || version === "") {
      return yield* new EngineUnreachable({ url, problem: "no libpod service answers there" })
    }
    if (Number.parseInt(version, 10) < oldestMajor) {
      return yield* new ApiVersionMismatch({ client: clientVersion, server: version })
    }
    return { kind: headers["server"]?.includes("cryopod/") === true ? "cryopod" : "podman", version } as const
  }).pipe(
    Effect.catchTag("HttpClientError", (error) =>
      Effect.fail(new EngineUnreachable({ url, problem: problemOf(error) })),
    ),
    Effect.scoped,
  )

/** What stood in the way of a request or an answer, in the words of the system. */
export const problemOf = ({ message, reason }: HttpClientError.HttpClientError): string => {
  const cause = "cause" in reason ? reason.cause : undefined
  return cause instanceof Error ? wordsOf(cause) : message
}

export const wordsOf = ({ code, message }: NodeJS.ErrnoException): string =>
  (code === undefined ? undefined : words[code]) ?? message

const words: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  ECONNREFUSED: "connection refused",
  EACCES: "permission denied",
  ECONNRESET: "the connection was broken off",
  EPIPE: "the connection was broken off",
  ENOTFOUND: "no such host",
  EHOSTUNREACH: "no route to host",
  ETIMEDOUT: "connection timed out",
  ECONNABORTED: "the connection was broken off",
}
