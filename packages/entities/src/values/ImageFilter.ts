/**
 * `--filter` of `images`. Filters of one kind are alternatives, kinds go together, as Podman has it
 * (podman-images.1); `label` alone wants all of its values.
 */
import * as Result from "effect/Result"
import { OptionInvalid } from "../failures/ContainerFailures.ts"
import { findImage, type NamedImage } from "./ImageLookup.ts"
import { parseReference, repositoryOf } from "./Reference.ts"

/** What an image is filtered by. */
export interface LabelledImage extends NamedImage {
  readonly labels: Readonly<Record<string, string>>
}

type Predicate = (image: LabelledImage) => boolean

/** `images` are all of the store, newest first. */
export const filterImages = <Image extends LabelledImage>(
  images: ReadonlyArray<Image>,
  filters: ReadonlyArray<string>,
): Result.Result<ReadonlyArray<Image>, OptionInvalid> => {
  const kinds = new Map<string, Array<Predicate>>()
  for (const filter of filters) {
    const equals = filter.indexOf("=")
    const key = equals === -1 ? filter : filter.slice(0, equals)
    const made = predicateOf(images, { key, value: equals === -1 ? "" : filter.slice(equals + 1), filter })
    if (Result.isFailure(made)) return Result.fail(made.failure)
    kinds.set(key, [...(kinds.get(key) ?? []), made.success])
  }
  const fits = (image: LabelledImage) =>
    [...kinds].every(([key, predicates]) =>
      key === "label"
        ? predicates.every((predicate) => predicate(image))
        : predicates.some((predicate) => predicate(image)),
    )
  return Result.succeed(images.filter(fits))
}

const predicateOf = (
  images: ReadonlyArray<LabelledImage>,
  { key, value, filter }: { readonly key: string; readonly value: string; readonly filter: string },
): Result.Result<Predicate, OptionInvalid> => {
  const invalid = (problem: string) => Result.fail(new OptionInvalid({ option: "filter", value: filter, problem }))
  switch (key) {
    case "dangling": {
      const wanted = booleans[value.toLowerCase()]
      if (wanted === undefined) return invalid("must be true or false")
      return Result.succeed((image) => (image.names.length === 0) === wanted)
    }
    case "label": {
      const equals = value.indexOf("=")
      const name = equals === -1 ? value : value.slice(0, equals)
      return Result.succeed((image) =>
        equals === -1 ? image.labels[name] !== undefined : image.labels[name] === value.slice(equals + 1),
      )
    }
    case "reference":
      return Result.succeed((image) => matchesReference(image, value))
    case "id":
      return Result.succeed((image) => image.id.startsWith(value.replace(/^sha256:/, "")))
    case "since":
    case "after":
    case "before": {
      const found = findImage(images, value)
      if (Result.isFailure(found)) return invalid(found.failure.message)
      const position = images.findIndex((image) => image.id === found.success.image.id)
      return Result.succeed((image) => {
        const at = images.findIndex((other) => other.id === image.id)
        return key === "before" ? at > position : at < position
      })
    }
    default:
      return invalid("is none of dangling, label, reference, id, since, before")
  }
}

const booleans: Readonly<Record<string, boolean | undefined>> = {
  true: true,
  "1": true,
  t: true,
  false: false,
  "0": false,
  f: false,
}

/** A name, a part of one, an id, or a pattern with `*`, `?` and `[…]`, which do not go over a `/`. */
export const matchesReference = (image: NamedImage, reference: string): boolean => {
  if (!/[*?[]/.test(reference)) {
    if (Result.isSuccess(findImage([image], reference))) return true
    // without a tag every tag fits
    return image.names.some((name) => spellingsOf(name).includes(reference))
  }
  const pattern = globPattern(reference)
  return image.names.some((name) => spellingsOf(name).some((spelling) => pattern.test(spelling)))
}

/** `quay.io/a/b:1` is also `quay.io/a/b`, `a/b:1`, `a/b`, `b:1` and `b`. */
const spellingsOf = (name: string): ReadonlyArray<string> => {
  const reference = Result.getOrUndefined(parseReference(name))
  if (reference === undefined) return [name]
  const suffix = name.slice(repositoryOf(reference).length)
  const base = reference.path.slice(reference.path.lastIndexOf("/") + 1)
  return [repositoryOf(reference), reference.path, base].flatMap((repository) => [repository + suffix, repository])
}

const globPattern = (glob: string): RegExp => {
  const source = glob.replaceAll(/\[[^\]]*\]|[*?]|[^*?[]+|\[/g, (part) => {
    if (part === "*") return "[^/]*"
    if (part === "?") return "[^/]"
    if (part.startsWith("[") && part.length > 2) return part.replace(/^\[[!^]/, "[^").replaceAll("\\", "\\\\")
    return part.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
  })
  return new RegExp(`^${source}$`)
}
