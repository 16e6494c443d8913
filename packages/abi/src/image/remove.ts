/**
 * Remove images, or only the names that were given for them, by Podman's rules (containers/common `libimage`,
 * removal): a name of several goes alone; the last one takes the image along; an image with several names goes by its
 * id only with force; an image that containers use goes only with force, which takes the containers along.
 */
import {
  type HostFailure,
  ImageHasNames,
  ImageInUse,
  type ImageFailure,
  type ImageRemoval,
  type Items,
} from "@cryopod/entities"
import { ImageStore, ImageUse, type ImageUseShape, type StoredImage } from "@cryopod/images"
import * as Effect from "effect/Effect"

export interface RemoveOptions {
  readonly all: boolean
  readonly force: boolean
  readonly ignore: boolean
}

export const removeImages = Effect.fn("removeImages")(function* (
  refs: ReadonlyArray<string>,
  options: RemoveOptions,
): Effect.fn.Return<Items<ImageRemoval, ImageFailure>, HostFailure, ImageStore | ImageUse> {
  const inputs = options.all ? (yield* (yield* ImageStore).list).map((image) => image.id) : refs
  // all images go with all their names
  const rules = { ...options, severalNames: options.all || options.force }
  return yield* Effect.forEach(inputs, (input) =>
    Effect.map(Effect.result(removeOne(input, rules)), (result) => ({ input, result })),
  )
})

interface Rules extends RemoveOptions {
  readonly severalNames: boolean
}

const nothing: ImageRemoval = { untagged: [], deleted: [] }

const removeOne = Effect.fnUntraced(function* (
  ref: string,
  rules: Rules,
): Effect.fn.Return<ImageRemoval, ImageFailure, ImageStore | ImageUse> {
  const store = yield* ImageStore
  const found = yield* store
    .find(ref)
    .pipe(
      Effect.catchTag("ImageNotFound", (failure) => (rules.ignore ? Effect.succeed(undefined) : Effect.fail(failure))),
    )
  if (found === undefined) return nothing
  const { image, name } = found
  if (name !== undefined && image.names.length > 1) {
    yield* store.removeNames(image.id, [name])
    return { untagged: [name], deleted: [] }
  }
  const use = yield* ImageUse
  if (rules.force) yield* removeUsers(image)
  const removed = yield* store.remove(image.id, (present) => mayGo(use, present, name, rules))
  return { untagged: removed.names, deleted: [removed.id] }
})

const removeUsers = Effect.fnUntraced(function* (image: StoredImage) {
  const use = yield* ImageUse
  const users = yield* use.usedBy(image.id)
  if (users.length > 0) yield* use.removeUsers(users)
})

/** Asked while the store stands still: what was true when the image was looked up may not be any more. */
const mayGo = Effect.fnUntraced(function* (
  use: ImageUseShape,
  image: StoredImage,
  name: string | undefined,
  rules: Rules,
): Effect.fn.Return<void, ImageInUse | ImageHasNames | HostFailure> {
  const others = image.names.filter((other) => other !== name)
  if (others.length > 0 && !(name === undefined && (rules.severalNames || image.names.length === 1))) {
    return yield* new ImageHasNames({ id: image.id, names: image.names })
  }
  const [container] = yield* use.usedBy(image.id)
  if (container !== undefined) return yield* new ImageInUse({ id: image.id, container })
})
