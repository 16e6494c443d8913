/** Images from elsewhere: any transport of skopeo, a registry when none is named. */
import {
  type ArchiveInvalid,
  type ImageInvalid,
  type MemberUnsafe,
  newName,
  parsePlace,
  type Place,
  type ReferenceInvalid,
  remoteName,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { copyIn } from "./CopyIn.ts"
import type { ImageStore } from "./ImageStore.ts"
import type { StoredImage } from "./ImageTables.ts"
import { loadOne } from "./Load.ts"
import type { CopyFailure, RegistryAccess, Transport } from "./Transport.ts"

export type PullFailure = ReferenceInvalid | ImageInvalid | ArchiveInvalid | MemberUnsafe | CopyFailure

/**
 * Take an image in, verified, or leave the store as it was. Layers that the store has are not fetched again. Its id is
 * the one it has everywhere: manifest and configuration stay byte for byte.
 */
export const pullImage = Effect.fn("pullImage")(function* (
  ref: string,
  access: RegistryAccess,
): Effect.fn.Return<StoredImage, PullFailure, ImageStore | Transport> {
  const place = yield* Effect.fromResult(parsePlace(ref))
  // archives and layouts may hold several images and know their names
  if (place._tag === "Path" && place.transport !== "dir") {
    return yield* loadOne({ path: place.path, ref, ...(place.ref === undefined ? {} : { select: place.ref }) })
  }
  return yield* Effect.scoped(copyIn(place, { operation: "pull", ref, access, names: namesFor(place) }))
})

/** The name of an image that has just come, as Podman gives it; none when the place says nothing of names. */
export const namesFor = (place: Place): ReadonlyArray<string> => {
  switch (place._tag) {
    case "Registry":
      return [place.name]
    case "Path":
      return named(
        place.ref === undefined ? newName(`localhost/${place.path.replace(/^\/+/, "")}`) : remoteName(place.ref),
      )
    case "Other":
      // `containers-storage:[driver@root]name`, `docker-daemon:name`
      return named(remoteName(place.text.slice(place.text.indexOf(":") + 1).replace(/^\[[^\]]*\]/, "")))
  }
}

const named = (name: Result.Result<string, ReferenceInvalid>): ReadonlyArray<string> =>
  Option.toArray(Result.getSuccess(name))
