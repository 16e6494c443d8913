/**
 * Names of images, as Podman reads them.
 *
 *   [registry[:port]/]path[:tag][@sha256:<hex>]
 *
 * The first component is a registry when it has a dot, a colon or is `localhost`; a name without one is short. Pure:
 * what a short name means in the local store is a list of candidates, what is in the store is not known here.
 * Grammar: distribution/reference `reference.go`; candidates: containers/common `libimage`.
 */
import { ReferenceInvalid, type ReferenceUse } from "../failures/ImageFailures.ts"
import * as Result from "effect/Result"

export interface Reference {
  /** Absent in a short name. */
  readonly registry?: string
  /** Path without registry, tag and digest. */
  readonly path: string
  readonly tag?: string
  /** `sha256:<hex>`. */
  readonly digest?: string
}

const domain =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$/
const component = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/
const tagFormat = /^\w[\w.-]{0,127}$/
const hexId = /^[0-9a-f]{64}$/
const maxNameLength = 255

export const isDigest = (text: string): boolean => text.startsWith("sha256:") && hexId.test(text.slice(7))

/** Read a name, or say what is wrong with it. */
export const parseReference = (
  text: string,
  use: ReferenceUse = "find",
): Result.Result<Reference, ReferenceInvalid> => {
  const invalid = (problem: ReferenceInvalid["problem"]) =>
    Result.fail(new ReferenceInvalid({ ref: text, problem, use }))
  const at = text.indexOf("@")
  const digest = at === -1 ? undefined : text.slice(at + 1)
  const named = at === -1 ? text : text.slice(0, at)
  const colon = named.lastIndexOf(":")
  const tag = colon > named.lastIndexOf("/") ? named.slice(colon + 1) : undefined
  const name = tag === undefined ? named : named.slice(0, colon)

  if (text === "") return invalid("nothing")
  if (digest !== undefined && !isDigest(digest)) return invalid("form")
  if (tag !== undefined && !tagFormat.test(tag)) return invalid("form")
  if (hexId.test(name)) return invalid("hexadecimal")
  if (name.length > maxNameLength) return invalid("length")

  const [first = "", ...others] = name.split("/")
  const registry = others.length > 0 && isRegistry(first) ? first : undefined
  const path = registry === undefined ? name : others.join("/")
  if (registry !== undefined && !domain.test(registry)) return invalid("form")
  if (!path.split("/").every((part) => component.test(part.toLowerCase()))) return invalid("form")
  if (path.toLowerCase() !== path) return invalid("uppercase")
  return Result.succeed({
    ...(registry === undefined ? {} : { registry }),
    path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  })
}

const isRegistry = (component: string) =>
  component.includes(".") || component.includes(":") || component === "localhost"

/** Registry and path, without tag and digest. */
export const repositoryOf = (reference: Reference): string =>
  reference.registry === undefined ? reference.path : `${reference.registry}/${reference.path}`

/** As it is written; nothing is filled in. */
export const formatReference = (reference: Reference): string =>
  repositoryOf(reference) +
  (reference.tag === undefined ? "" : `:${reference.tag}`) +
  (reference.digest === undefined ? "" : `@${reference.digest}`)

/** Full name of an image that gets a name here: `web` is `localhost/web:latest`. Digests are no names to give. */
export const newName = (
  text: string,
  use: Exclude<ReferenceUse, "find"> = "tag",
): Result.Result<string, ReferenceInvalid> =>
  Result.flatMap(parseReference(text, use), (reference) =>
    reference.digest === undefined
      ? Result.succeed(formatReference({ registry: "localhost", tag: "latest", ...reference }))
      : Result.fail(new ReferenceInvalid({ ref: text, problem: "digest", use })),
  )

/** Full name in a registry: `alpine` is `docker.io/library/alpine:latest`. A digest stands in place of a tag. */
export const remoteName = (text: string): Result.Result<string, ReferenceInvalid> =>
  Result.map(parseReference(text), (reference) => formatReference(tagged(inDockerHub(reference))))

/** Names that a text may mean in the local store, the most likely first. */
export const localCandidates = (reference: Reference): ReadonlyArray<Reference> => {
  const { tag, digest } = tagged(reference)
  const whole = (registry: string | undefined, path: string): Reference => ({
    ...(registry === undefined ? {} : { registry }),
    path,
    ...(digest !== undefined ? { digest } : tag === undefined ? {} : { tag }),
  })
  if (reference.registry !== undefined) {
    const candidates = [whole(reference.registry, reference.path)]
    // docker.io/alpine is docker.io/library/alpine
    if (reference.registry === "docker.io") candidates.push(whole("docker.io", inDockerHub(reference).path))
    return candidates
  }
  const hub = inDockerHub(reference)
  return [whole("localhost", reference.path), whole(hub.registry, hub.path), whole(undefined, reference.path)]
}

const tagged = (reference: Reference): Reference => {
  if (reference.digest === undefined) return { ...reference, tag: reference.tag ?? "latest" }
  const { tag: _, ...withoutTag } = reference
  return withoutTag
}

const inDockerHub = (reference: Reference): Reference => {
  const registry = reference.registry ?? "docker.io"
  const official = registry === "docker.io" && !reference.path.includes("/")
  return { ...reference, registry, path: official ? `library/${reference.path}` : reference.path }
}

/** Transports that name a place by a path; all others name it by a reference. containers-transports(5). */
const pathTransports = ["oci", "oci-archive", "docker-archive", "dir"] as const
const otherTransports = ["docker-daemon", "containers-storage", "sif", "tarball", "ostree"] as const

export type Place =
  | { readonly _tag: "Registry"; readonly name: string }
  | {
      readonly _tag: "Path"
      readonly transport: (typeof pathTransports)[number]
      readonly path: string
      readonly ref?: string
    }
  /** A transport whose words only skopeo knows. */
  | { readonly _tag: "Other"; readonly text: string }

/** Where an image comes from or goes to: a skopeo transport, or a registry when none is named. */
export const parsePlace = (text: string): Result.Result<Place, ReferenceInvalid> => {
  const colon = text.indexOf(":")
  const transport = colon === -1 ? "" : text.slice(0, colon)
  const rest = text.slice(colon + 1)
  const known = pathTransports.find((name) => name === transport)
  if (known !== undefined) {
    if (known === "dir") return pathPlace(text, known, rest, undefined)
    const split = rest.indexOf(":")
    return split === -1
      ? pathPlace(text, known, rest, undefined)
      : pathPlace(text, known, rest.slice(0, split), rest.slice(split + 1))
  }
  if (otherTransports.some((name) => name === transport)) return Result.succeed({ _tag: "Other", text })
  const name = transport === "docker" && rest.startsWith("//") ? rest.slice(2) : text
  return Result.map(remoteName(name), (full) => ({ _tag: "Registry", name: full }))
}

const pathPlace = (
  text: string,
  transport: (typeof pathTransports)[number],
  path: string,
  ref: string | undefined,
): Result.Result<Place, ReferenceInvalid> =>
  path === ""
    ? Result.fail(new ReferenceInvalid({ ref: text, problem: "path", use: "find" }))
    : Result.succeed({ _tag: "Path", transport, path, ...(ref === undefined || ref === "" ? {} : { ref }) })

/** A place in skopeo's own words. */
export const formatPlace = (place: Place): string => {
  if (place._tag === "Registry") return `docker://${place.name}`
  if (place._tag === "Other") return place.text
  return `${place.transport}:${place.path}${place.ref === undefined ? "" : `:${place.ref}`}`
}
