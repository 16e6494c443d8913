/**
 * Which image a text means, as Podman looks it up (containers/common `libimage`, LookupImage), but for one thing: a
 * name wins over the beginning of an id, so that what a name means does not depend on which ids happen to be there.
 */
import { ImageAmbiguous, ImageNotFound, type ReferenceInvalid } from "../failures/ImageFailures.ts"
import * as Result from "effect/Result"
import { formatReference, localCandidates, parseReference, type Reference, repositoryOf } from "./Reference.ts"

/** What an image is looked up by. */
export interface NamedImage {
  /** Digest of the configuration, 64 hexadecimal digits. */
  readonly id: string
  readonly manifestDigest: string
  /** Full names; `repository@digest` for one that was pulled by digest. */
  readonly names: ReadonlyArray<string>
}

export interface Found<Image extends NamedImage> {
  readonly image: Image
  /** The full name that was meant; absent when the image was found by id or digest. */
  readonly name?: string
}

/** `images` are all of the store, newest first. */
export const findImage = <Image extends NamedImage>(
  images: ReadonlyArray<Image>,
  ref: string,
): Result.Result<Found<Image>, ImageNotFound | ImageAmbiguous | ReferenceInvalid> => {
  if (ref.startsWith("sha256:")) return byId(images, ref, ref.slice("sha256:".length))
  const parsed = parseReference(ref)
  if (Result.isSuccess(parsed)) {
    const found = byName(images, parsed.success)
    if (found !== undefined) return Result.succeed(found)
  }
  if (idPrefix.test(ref)) return byId(images, ref, ref)
  return Result.isFailure(parsed) ? Result.fail(parsed.failure) : Result.fail(new ImageNotFound({ ref }))
}

const idPrefix = /^[0-9a-f]{1,64}$/

const byId = <Image extends NamedImage>(
  images: ReadonlyArray<Image>,
  ref: string,
  hex: string,
): Result.Result<Found<Image>, ImageNotFound | ImageAmbiguous> => {
  const fitting = idPrefix.test(hex) ? images.filter((image) => image.id.startsWith(hex)) : []
  const [image] = fitting.length > 0 ? fitting : images.filter((other) => other.manifestDigest === `sha256:${hex}`)
  if (fitting.length > 1) return Result.fail(new ImageAmbiguous({ ref }))
  return image === undefined ? Result.fail(new ImageNotFound({ ref })) : Result.succeed({ image })
}

const byName = <Image extends NamedImage>(
  images: ReadonlyArray<Image>,
  reference: Reference,
): Found<Image> | undefined => {
  const candidates = localCandidates(reference)
  for (const candidate of candidates) {
    const wanted = formatReference(candidate)
    const image = images.find((other) => other.names.includes(wanted))
    if (image !== undefined) return { image, name: wanted }
    if (candidate.digest === undefined) continue
    const pinned = images.find((other) =>
      hasDigest(other, candidate.digest ?? "", (repository) => repository === repositoryOf(candidate)),
    )
    if (pinned !== undefined) return { image: pinned }
  }
  if (reference.registry !== undefined) return undefined
  // `busybox` also means registry.example/mirror/busybox, if nothing closer is there
  const ending = `/${reference.path}`
  for (const image of images) {
    if (reference.digest !== undefined) {
      if (hasDigest(image, reference.digest, (repository) => repository.endsWith(ending))) return { image }
      continue
    }
    const name = image.names.find((full) => full.endsWith(`${ending}:${reference.tag ?? "latest"}`))
    if (name !== undefined) return { image, name }
  }
  return undefined
}

const hasDigest = (image: NamedImage, digest: string, fits: (repository: string) => boolean): boolean =>
  image.manifestDigest === digest && image.names.some((name) => fits(repositoryOfName(name)))

/** Registry and path of a full name. */
export const repositoryOfName = (name: string): string =>
  Result.match(parseReference(name), { onSuccess: repositoryOf, onFailure: () => name })
