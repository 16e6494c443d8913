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

const imagePrefix = "/libpod/images/"

/** What stands behind the name of an image. */
const verbs = new Set(["json", "exists", "tree", "push", "get", "tag", "untag", "history", "changes", "resolve"])

export const requestPath = (method: string, url: string): RequestPath => {
  const version = versioned.exec(url)?.[1]
  const bare = version === undefined ? url : url.slice(version.length + 2) || "/"
  return { url: oneSegment(method, bare), ...(version === undefined ? {} : { version }) }
}

/** Slashes inside an image's name escaped; a path without one as it is. */
const oneSegment = (method: string, url: string): string => {
  if (!url.startsWith(imagePrefix)) return url
  const queryAt = url.indexOf("?")
  const [path, query] = queryAt < 0 ? [url, ""] : [url.slice(0, queryAt), url.slice(queryAt)]
  const segments = path.slice(imagePrefix.length).split("/")
  // only a removal ends with the name itself
  const verb = method !== "DELETE" && verbs.has(segments.at(-1) ?? "") ? segments.pop() : undefined
  if (segments.length < 2) return url
  return `${imagePrefix}${segments.join("%2F")}${verb === undefined ? "" : `/${verb}`}${query}`
}

/** Versions of the API that are spoken. */
export const isSpoken = (version: string): boolean => /^[456](?:\.|$)/.test(version)
