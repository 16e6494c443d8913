/** What is meant by a name where a container or an image may be meant: a container first, an image otherwise. */
import { type ContainerAmbiguous, type DatabaseFailed, NoSuchContainerOrImage } from "@cryopod/entities"
import { ImageStore } from "@cryopod/images"
import { type ContainerRecord, Containers } from "@cryopod/runtime"
import * as Effect from "effect/Effect"

/** Undefined when no container has this name. */
export const containerNamed = Effect.fnUntraced(function* (
  ref: string,
): Effect.fn.Return<ContainerRecord | undefined, ContainerAmbiguous | DatabaseFailed, Containers> {
  const containers = yield* Containers
  return yield* containers.find(ref).pipe(Effect.catchTag("ContainerNotFound", () => Effect.succeed(undefined)))
})

export const imageNamed = Effect.fnUntraced(function* (ref: string) {
  const missing = () => Effect.fail(new NoSuchContainerOrImage({ ref }))
  return yield* (yield* ImageStore)
    .resolve(ref)
    .pipe(Effect.catchTags({ ImageNotFound: missing, ReferenceInvalid: missing }))
})
