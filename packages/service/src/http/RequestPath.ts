/**
 * What a client may write in front of and inside a path.
 *
 * Every route is reached with and without the version of the API (`/v5.4.2/libpod/...`). Names of images have slashes, and
 * clients send them escaped or as they are; for the router they become one segment.
 */

export interface RequestPath {
  /** The path without its version, with one segment for each name; the query as it was. */
  readonly url: string
  /** The version a client wrote, as text. */
  readonly version?: string
}

const versioned = /^\/v(\d{1,4}(?:\.\d{1,6}){0,2})(?=[/?]|$)/

/** What stands behind the name of an image. */
const imageVerbs = "json|exists|tree|push|get|tag|untag|history|changes|resolve"
const slashed = new RegExp(`^(/libpod/images/)([^?]+/[^?]+?)(/(?:${imageVerbs}))?(\\?.*)?$`)

/** Routes below `images/` that are no names. */
const imageRoutes = new Set(["json", "pull", "load", "import", "export", "prune", "remove", "search", "scp"])

export const requestPath = (url: string): RequestPath => {
  const version = versioned.exec(url)?.[1]
  const bare = version === undefined ? url : url.slice(version.length + 2) || "/"
  return { url: oneSegment(bare), ...(version === undefined ? {} : { version }) }
}

const oneSegment = (url: string): string => {
  const [, prefix = "", name = "", verb = "", query = ""] = slashed.exec(url) ?? []
  if (name === "" || (verb !== "" && imageRoutes.has(name))) return url
  const [first = "", ...others] = name.split("/")
  if (imageRoutes.has(first) && others.length === 0) return url
  return `${prefix}${name.replaceAll("/", "%2F")}${verb}${query}`
}

/** Versions of the API that are spoken. */
export const isSpoken = (version: string): boolean => /^[456](?:\.|$)/.test(version)
