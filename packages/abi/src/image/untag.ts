/** Take names from an image, which stays; all of them when none is given. */
import { findImage, type ImageNotFound, newName, type ReferenceInvalid } from "@cryopod/entities"
import { ImageStore, type ResolveFailure } from "@cryopod/images"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

export const untagImage = Effect.fn("untagImage")(function* (
  ref: string,
  names: ReadonlyArray<string>,
): Effect.fn.Return<void, ResolveFailure | ReferenceInvalid | ImageNotFound, ImageStore> {
  const store = yield* ImageStore
  const image = yield* store.resolve(ref)
  if (names.length === 0) return yield* store.removeNames(image.id, image.names)
  const full = yield* Effect.forEach(names, (name) => {
    // a short name means the one that the image has; a name that it has not is refused under its own spelling
    const meant = Result.getOrUndefined(findImage([image], name))?.name
    return meant === undefined ? Effect.fromResult(newName(name, "untag")) : Effect.succeed(meant)
  })
  yield* store.removeNames(image.id, full)
})
