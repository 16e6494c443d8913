/** Requests about one image. */
import { ImageNotFound } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { isPathName, orMissing } from "../Remote.ts"

/** A call about one image; what is not there is told as the engine tells it. */
export const onImage = <A, E, R>(
  ref: string,
  call: (params: { readonly name: string }) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E | ImageNotFound, R> => {
  const missing = new ImageNotFound({ ref })
  return isPathName(ref) ? orMissing(call({ name: ref }), missing) : Effect.fail(missing)
}
