/** One container of an operation on several. */
import type { Items } from "@cryopod/entities"
import * as Effect from "effect/Effect"

/** The report of the one item; nothing when what is missing was to be ignored. */
export const single = <A, E>(items: Items<A, E>): Effect.Effect<A | undefined, E> => {
  const [item] = items
  return item === undefined ? Effect.succeed(undefined) : Effect.fromResult(item.result)
}
