/** Sizes of terminals, told by one request and used by the connection of another. */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"

export interface Size {
  readonly columns: number
  readonly rows: number
}

export interface Terminals {
  /** The sizes that are told for a container or an exec session, the last one that is known first. */
  readonly sizes: (id: string) => Stream.Stream<Size>
  readonly resize: (id: string, size: Size) => Effect.Effect<void>
  /** Forget the size of what is gone. */
  readonly forget: (id: string) => Effect.Effect<void>
}

/** Sizes that are kept for connections that have not come yet; the oldest are forgotten first. */
const keptSizes = 1024

export const makeTerminals = (): Terminals => {
  const last = new Map<string, Size>()
  const listening = new Map<string, Set<(size: Size) => void>>()
  return {
    sizes: (id) =>
      Stream.callback<Size>((queue) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            const known = last.get(id)
            const tell = (size: Size) => void Queue.offerUnsafe(queue, size)
            if (known !== undefined) tell(known)
            listening.set(id, (listening.get(id) ?? new Set()).add(tell))
            return tell
          }),
          (tell) =>
            Effect.sync(() => {
              const others = listening.get(id)
              others?.delete(tell)
              if (others?.size === 0) listening.delete(id)
            }),
        ),
      ),
    resize: (id, size) =>
      Effect.sync(() => {
        last.delete(id)
        last.set(id, size)
        for (const oldest of last.keys()) {
          if (last.size <= keptSizes) break
          last.delete(oldest)
        }
        for (const tell of listening.get(id) ?? []) tell(size)
      }),
    forget: (id) => Effect.sync(() => void last.delete(id)),
  }
}
