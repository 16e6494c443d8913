/**
 * Pages in browsers are no clients.
 *
 * A port on loopback is reached by any page that a browser on this host shows, and bodies are taken whatever their media
 * type says; so requests that a page made for another site are refused, and so are those that came by a name that somebody
 * has pointed at this host.
 */
import { isLoopback } from "../listen/Address.ts"

export interface Origin {
  readonly host: string | undefined
  readonly origin: string | undefined
  /** `Sec-Fetch-Site`. */
  readonly site: string | undefined
}

/** Why a request is refused; undefined when it is not. */
export const pageProblem = ({ host, origin, site }: Origin, guardedByPeer: boolean): string | undefined => {
  if (site !== undefined && site !== "same-origin" && site !== "none")
    return "requests of other sites' pages are refused"
  if (origin !== undefined && origin !== "null" && hostOf(origin) !== host)
    return "requests of other sites' pages are refused"
  if (origin === "null") return "requests of other sites' pages are refused"
  if (guardedByPeer || host === undefined) return undefined
  return isLoopback(host.replace(/:\d+$/, "").replace(/^\[|\]$/g, ""))
    ? undefined
    : `the host ${JSON.stringify(host)} is not this one`
}

const hostOf = (origin: string): string | undefined => {
  try {
    return new URL(origin).host
  } catch {
    return undefined
  }
}
