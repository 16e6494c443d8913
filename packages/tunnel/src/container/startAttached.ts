/**
 * Start a container of another host and stay with it. Its streams are connected before it starts, as libpod's own client does it:
 * of a container that removes itself there may be nothing left a moment later.
 */
import type { AttachStreams, ContainerFailure, CreateFailure } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { ask, type Remote } from "../Remote.ts"
import { attach, connect, exitCodeOf, lookMillis } from "./attach.ts"
import { inspect } from "./select.ts"

export const startAttached = Effect.fn("tunnel.startAttached")(function* (
  remote: Remote,
  ref: string,
  { begun, streams }: { readonly streams: AttachStreams; readonly begun: Effect.Effect<void> },
): Effect.fn.Return<number, CreateFailure> {
  const { Config: config, Id: id, State: state } = yield* inspect(remote, ref)
  const start = ask(remote, remote.containers.start({ params: { name: id } }))
  // it has begun long ago, or cannot
  if (state.Running || state.Paused) {
    yield* Effect.andThen(start, begun)
    return yield* attach(remote, id, streams)
  }
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const heard = yield* connect(remote, id, { streams, terminal: config.Tty, logs: false })
      yield* Effect.andThen(start, begun)
      const ending = yield* Effect.forkChild(endOf(remote, id))
      yield* heard
      return yield* Fiber.join(ending)
    }),
  )
})

/** Podman's service knows how containers ended that run or are gone, and stumbles over those that are just being removed. */
const endOf = (remote: Remote, id: string): Effect.Effect<number, ContainerFailure> =>
  Effect.retry(exitCodeOf(remote, id, lookMillis), { times: 1, while: ({ _tag: tag }) => tag === "ContainerNotFound" })
