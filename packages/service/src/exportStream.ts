/**
 * What an engine writes, as the body of a response.
 *
 * The head of the response goes out as every other; blocks then go from the engine to Node as they are. The next one is
 * produced when the last one has gone, so that the engine goes at the client's pace and nothing is kept in between. What
 * fails before the first block is a failure with its status; what fails later is told in a trailer, or breaks the connection
 * off, so that no client takes half an archive for a whole one. To an engine, a client that has gone is a destination that
 * cannot be written to: it does what it does then, in its own time.
 */
import type { ServerResponse } from "node:http"
import { type ArchiveDestination, StorageFailed } from "@cryopod/entities"
import { toWire } from "@cryopod/rest"
import { toServerResponse } from "@effect/platform-node/NodeHttpServerRequest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { trailers } from "./http/trailers.ts"

type Destination = Extract<ArchiveDestination, { readonly _tag: "Stream" }>

/** `scope` is the service's: the engine's work outlives the request. */
export const exportStream = <E extends { readonly message: string }, R>(
  scope: Scope.Scope,
  write: (destination: Destination) => Effect.Effect<unknown, E, R>,
): Effect.Effect<Stream.Stream<Uint8Array, E>, E, R | HttpServerRequest.HttpServerRequest> =>
  Effect.gen(function* () {
    const behind = yield* trailers
    // one of HTTP/1.1, as all that this service gives
    const response = toServerResponse(yield* HttpServerRequest.HttpServerRequest) as ServerResponse
    const begun = yield* Deferred.make<void, E>()
    /** The head has gone out, or there is nobody any more to whom it could. */
    const open = yield* Deferred.make<void, StorageFailed>()
    response.once("close", () => Deferred.doneUnsafe(open, Effect.fail(gone())))
    const ended = yield* Deferred.make<void, E>()
    const begin = Effect.gen(function* () {
      if (yield* Deferred.isDone(begun)) return
      yield* behind?.announce ?? Effect.void
      yield* Deferred.succeed(begun, undefined)
    })
    const working = write({
      _tag: "Stream",
      write: (block) => Effect.andThen(Effect.andThen(begin, Deferred.await(open)), sent(response, block)),
    }).pipe(
      Effect.onExit((exit) =>
        Effect.gen(function* () {
          if (exit._tag === "Success") {
            yield* begin
            yield* behind?.tell({ report: exit.value }) ?? Effect.void
            return yield* Deferred.succeed(ended, undefined)
          }
          const early = yield* Deferred.failCause(begun, exit.cause)
          const failure = Result.getOrUndefined(Cause.findError(exit.cause))
          if (early || behind === undefined || failure === undefined)
            return yield* Deferred.failCause(ended, exit.cause)
          yield* behind.tell({ failure: toWire(failure) })
          return yield* Deferred.succeed(ended, undefined)
        }),
      ),
    )
    yield* Effect.forkIn(working, scope)
    yield* Deferred.await(begun)
    // run when the head has gone out
    const body = Effect.andThen(Deferred.succeed(open, undefined), Deferred.await(ended))
    return Stream.fromEffectDrain(body)
  })

const gone = () => new StorageFailed({ operation: "send to", path: "the client", code: "EPIPE" })

/** Blocks below this are copied, and not waited for while Node has room: a call of the system for each would cost more. */
const smallBytes = 1 << 16

/** The block is the writer's again on success. */
const sent = (response: ServerResponse, block: Uint8Array): Effect.Effect<void, StorageFailed> =>
  Effect.callback((resume) => {
    const left = () => resume(Effect.fail(gone()))
    if (response.destroyed) return left()
    const small = block.length < smallBytes
    response.once("close", left)
    const done = (cause?: Error | null) => {
      response.off("close", left)
      resume(cause == null ? Effect.void : Effect.fail(gone()))
    }
    const room = response.write(small ? new Uint8Array(block) : block, done)
    if (small && room) done()
  })
