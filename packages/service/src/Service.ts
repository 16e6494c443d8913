/**
 * The service: every route over the engines it is given, on an address, until it is ended or idle for too long.
 *
 * It knows no engine of its own, prints nothing and reads no environment: whoever composes it says where it listens, what it
 * calls itself and where its log goes.
 */
import type { CheckpointEngine, ContainerEngine, ImageEngine, SystemEngine, VolumeEngine } from "@cryopod/entities"
import { LibpodApi, referencePage } from "@cryopod/rest"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Layer from "effect/Layer"
import { checkpointViewHandlers } from "./handlers/checkpointViewHandlers.ts"
import { containerHandlers } from "./handlers/containerHandlers.ts"
import { execHandlers } from "./handlers/execHandlers.ts"
import { imageHandlers } from "./handlers/imageHandlers.ts"
import { networkHandlers } from "./handlers/networkHandlers.ts"
import { podHandlers } from "./handlers/podHandlers.ts"
import { systemHandlers } from "./handlers/systemHandlers.ts"
import { volumeHandlers } from "./handlers/volumeHandlers.ts"
import { type Guard, libpodRequests, type ServiceVersions } from "./http/LibpodRequests.ts"
import { libpodServer } from "./http/LibpodServer.ts"
import { untilIdle } from "./listen/Activity.ts"
import { type Address, formatAddress, guarded } from "./listen/Address.ts"
import { type Limits, standardLimits } from "./listen/Limits.ts"
import { ListenFailed, type ListenRefused } from "./listen/ListenFailures.ts"
import { nodeServer } from "./listen/NodeServer.ts"
import { clearStaleSocket } from "./listen/staleSocket.ts"
import { makeTerminals } from "./sessions/Terminals.ts"

/** What every service needs; networks and pods are offered where the engine has them. */
export type Engines = CheckpointEngine | ContainerEngine | ImageEngine | SystemEngine | VolumeEngine

export interface ServiceSettings {
  readonly address: Address
  readonly versions: ServiceVersions
  /** The service ends after so long without a request; zero means never. */
  readonly idleMillis: number
  readonly limits?: Limits
}

/** Names of images are long. */
const maximumName = 4096

/** Every route, for any server. */
export const libpodRoutes = (versions: ServiceVersions, guard: Guard) => {
  const terminals = makeTerminals()
  const groups = Layer.mergeAll(
    systemHandlers(versions),
    containerHandlers(terminals),
    checkpointViewHandlers,
    execHandlers(terminals),
    imageHandlers,
    volumeHandlers,
    networkHandlers,
    podHandlers,
  )
  return HttpApiBuilder.layer(LibpodApi, { openapiPath: "/openapi.json" }).pipe(
    Layer.provide(groups),
    Layer.provide(libpodServer),
    Layer.merge(referenceRoute),
    Layer.merge(libpodRequests(versions, guard)),
  )
}

/** The contract as a page to read; beside it, `/openapi.json` is the same for programs. */
const referenceRoute = HttpRouter.add(
  "GET",
  "/reference",
  Effect.sync(() =>
    HttpServerResponse.text(referencePage(OpenApi.fromApi(LibpodApi)), { contentType: "text/html; charset=utf-8" }),
  ),
)

/** Time that requests under way get when the service is ended. */
const shutdownTime = "10 seconds"

/** Listen and serve; succeeds when the service was idle for too long, and ends with its fiber otherwise. */
export const serve = (settings: ServiceSettings): Effect.Effect<void, ListenFailed | ListenRefused, Engines> =>
  Effect.gen(function* () {
    const { idleMillis, limits = standardLimits, versions } = settings
    const address = yield* Effect.fromResult(guarded(settings.address))
    if (address._tag === "Unix") yield* clearStaleSocket(address.path)
    const server = yield* Effect.try({
      try: () => nodeServer(address, limits),
      catch: (cause) => listenFailed(address, cause),
    })
    const guard: Guard = address._tag === "Tcp" && address.certificates === undefined ? "loopback" : "peer"
    const serving = HttpRouter.serve(libpodRoutes(versions, guard), {
      disableLogger: true,
      disableListenLog: true,
      routerConfig: { maxParamLength: maximumName },
    }).pipe(
      Layer.provide(Layer.succeed(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(limits.bodyBytes))),
      Layer.provide(NodeHttpServer.layer(() => server, { gracefulShutdownTimeout: shutdownTime })),
    )
    yield* Layer.build(serving).pipe(
      Effect.catchTag("ServeError", ({ cause }) => Effect.fail(listenFailed(address, cause))),
    )
    yield* Effect.logInfo("listening").pipe(Effect.annotateLogs({ address: formatAddress(address) }))
    yield* untilIdle(server, idleMillis)
  }).pipe(Effect.scoped)

const listenFailed = (address: Address, cause: unknown): ListenFailed => {
  const { code = "", message } = cause as NodeJS.ErrnoException
  return new ListenFailed({ address: formatAddress(address), code, detail: message })
}
