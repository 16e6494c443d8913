/** A connection that was taken out of HTTP: bytes both ways, until one side is gone. */
import { encodeFrame } from "@cryopod/rest"
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"

export interface Connection {
  /** What the client sends, until it says that nothing comes any more. */
  readonly input: Stream.Stream<Uint8Array>
  /** Bytes of one stream for the client; nothing happens when it is gone. */
  readonly output: (stream: "stdout" | "stderr", content: Uint8Array) => Effect.Effect<void>
  /** Done when the client can be told nothing any more. */
  readonly gone: Effect.Effect<void>
}

export interface ConnectionOptions {
  /** Frames of several streams, or the bytes of one as they are. */
  readonly framed: boolean
  /** Whether input is wanted: without it, a client that sends its end has left. */
  readonly input: boolean
}

/** How libpod tells a failure where no status can: as a line on standard error. */
export const errorLine = ({ message }: { readonly message: string }): Uint8Array => Buffer.from(`Error: ${message}\n`)

/** How often a client that has said its last word is asked whether it is still there, by a frame with nothing in it. */
const askingMillis = 3000

/** Chunks of input that are read ahead of the one who takes them. */
const readAhead = 16

/** Answers the request's upgrade, and closes the connection with the scope. */
export const openConnection = Effect.fnUntraced(function* (
  socket: Socket.Socket,
  options: ConnectionOptions,
): Effect.fn.Return<Connection, Socket.SocketError, Scope.Scope> {
  // the response goes out when the reader is acquired, and must be before anything is written
  const pull = yield* Socket.readerBytes(socket)
  const writer = yield* socket.writer
  const gone = yield* Deferred.make<void>()
  const input = yield* Queue.bounded<Uint8Array, Cause.Done>(readAhead)
  // a client that has said its last word and one that has gone look the same until something is written
  const stillThere: Effect.Effect<unknown> = options.framed
    ? writer.write(encodeFrame({ stream: "stdout", content: new Uint8Array(0) })).pipe(
        Effect.delay(askingMillis),
        Effect.forever,
        Effect.catchCause(() => Deferred.succeed(gone, undefined)),
      )
    : Effect.void
  const reading = pull.pipe(
    Effect.flatMap((chunks) => (options.input ? Queue.offerAll(input, chunks) : Effect.void)),
    Effect.forever,
    Effect.catchCause(() =>
      Effect.andThen(Queue.end(input), options.input ? stillThere : Deferred.succeed(gone, undefined)),
    ),
  )
  yield* Effect.forkScoped(reading)
  return {
    input: Stream.fromQueue(input),
    output: (stream, content) =>
      writer.write(options.framed ? encodeFrame({ stream, content }) : content).pipe(
        Effect.catchCause(() => Deferred.succeed(gone, undefined)),
        Effect.asVoid,
      ),
    gone: Deferred.await(gone),
  }
})

/** Work for a connection; it ends with its client. */
export const untilGone = <A, E, R>(
  connection: Connection,
  work: Effect.Effect<A, E, R>,
): Effect.Effect<A | undefined, E, R> =>
  Effect.gen(function* () {
    const working = yield* Effect.forkChild(work)
    return yield* Effect.raceFirst(
      Fiber.join(working),
      Effect.andThen(connection.gone, Effect.as(Fiber.interrupt(working), undefined)),
    )
  })
