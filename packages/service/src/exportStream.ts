/**
 * What an engine writes, as the body of a response.
 *
 * The next block is produced when the last one has been taken, so that the engine goes at the client's pace and nothing is
 * kept in between. What fails before the first block is a failure with its status; what fails later is told in a trailer,
 * or breaks the connection off, so that no client takes half an archive for a whole one. To an engine, a client that has gone is a
 * destination that cannot be written to: it does what it does then, in its own time.
 */
import { type ArchiveDestination, StorageFailed } from "@cryopod/entities"
import { toWire } from "@cryopod/rest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Queue from "effect/Queue"
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
    const blocks = yield* Queue.bounded<Uint8Array, E | Cause.Done>(1)
    const begun = yield* Deferred.make<void, E>()
    const gone = Effect.fail(new StorageFailed({ operation: "send to", path: "the client", code: "EPIPE" }))
    const begin = Effect.gen(function* () {
      if (yield* Deferred.isDone(begun)) return
      yield* behind?.announce ?? Effect.void
      yield* Deferred.succeed(begun, undefined)
    })
    const working = write({
      _tag: "Stream",
      write: (block) =>
        Effect.gen(function* () {
          // the block is the writer's again as soon as we return
          const taken = yield* Queue.offer(blocks, new Uint8Array(block))
          if (!taken) return yield* gone
          yield* begin
        }),
    }).pipe(
      Effect.onExit((exit) =>
        Effect.gen(function* () {
          if (exit._tag === "Success") {
            yield* begin
            yield* behind?.tell({ report: exit.value }) ?? Effect.void
            return yield* Queue.end(blocks)
          }
          const early = yield* Deferred.failCause(begun, exit.cause)
          const failure = Result.getOrUndefined(Cause.findError(exit.cause))
          if (early || behind === undefined || failure === undefined) return yield* Queue.failCause(blocks, exit.cause)
          yield* behind.tell({ failure: toWire(failure) })
          return yield* Queue.end(blocks)
        }),
      ),
    )
    yield* Effect.forkIn(working, scope)
    const leave = Queue.shutdown(blocks)
    yield* Deferred.await(begun).pipe(Effect.onInterrupt(() => leave))
    return Stream.fromQueue(blocks).pipe(Stream.ensuring(leave))
  })
