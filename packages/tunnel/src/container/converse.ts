/** A connection that was taken out of HTTP: a container's output one way, its input the other. */
import type { AttachStreams, HostFailure } from "@cryopod/entities"
import { frameDecoder } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import { EngineUnreachable } from "@cryopod/entities"
import type { Remote } from "../Remote.ts"

export interface Conversation {
  readonly socket: Socket.Socket
  readonly streams: AttachStreams
  /** A terminal has one stream, whose bytes come as they are. */
  readonly terminal: boolean
  /** Tell the size of the terminal by another request. */
  readonly resize: (size: { readonly columns: number; readonly rows: number }) => Effect.Effect<unknown, unknown>
}

/**
 * Take the connection, so that nothing that comes is missed until the scope closes; the inner effect goes on until the other side
 * has said everything. The end of our input is told by closing that direction alone.
 */
export const converse = Effect.fnUntraced(function* (
  remote: Remote,
  { resize, socket, streams, terminal }: Conversation,
): Effect.fn.Return<Effect.Effect<void, HostFailure>, HostFailure, Scope.Scope> {
  const pull = yield* Effect.mapError(Socket.readerBytes(socket), (error) => lost(remote, error))
  const feed = Effect.scoped(
    Effect.gen(function* () {
      const writer = yield* socket.writer
      if (streams.input === undefined) return yield* Effect.never
      yield* Stream.runForEach(streams.input, (chunk) => writer.write(chunk))
    }),
  )
  const frames = frameDecoder()
  const heard = (bytes: Uint8Array) =>
    terminal
      ? streams.output("stdout", bytes)
      : Effect.forEach(
          frames(bytes),
          ({ content, stream }) => streams.output(stream === "stdout" ? "stdout" : "stderr", content),
          { discard: true },
        )
  return Effect.scoped(
    Effect.gen(function* () {
      if (streams.input !== undefined) yield* Effect.forkScoped(Effect.ignore(feed))
      if (terminal && streams.resizes !== undefined) {
        yield* Effect.forkScoped(Stream.runForEach(streams.resizes, (size) => Effect.ignore(resize(size))))
      }
      yield* pull.pipe(
        Effect.flatMap((chunks) => Effect.forEach(chunks, heard, { discard: true })),
        Effect.forever,
        Effect.catch((error) =>
          Socket.isSocketError(error) && error.reason._tag === "SocketCloseError"
            ? Effect.void
            : Effect.fail(lost(remote, error)),
        ),
      )
    }),
  )
})

const lost = ({ url }: Remote, error: { readonly message: string }) =>
  new EngineUnreachable({ url, problem: error.message })
