/** Where a service listens, as a URI says it. */
import { isIP } from "node:net"
import * as Result from "effect/Result"
import { ListenRefused } from "./ListenFailures.ts"

/** PEM texts of a server's own identity, and of those whose clients it lets in. */
export interface Certificates {
  readonly cert: string
  readonly key: string
  readonly clientCa: string
}

export type Address =
  | { readonly _tag: "Unix"; readonly path: string }
  /** A socket that whoever started us listens on already, by its number. */
  | { readonly _tag: "Inherited"; readonly fd: number }
  | { readonly _tag: "Tcp"; readonly host: string; readonly port: number; readonly certificates?: Certificates }

/** Longest path of a Unix socket (unix(7): 108 bytes with the final zero). */
const maximumSocketPath = 107

/**
 * `unix:///run/x.sock`, `unix:/run/x.sock`, `tcp://127.0.0.1:2375`. A port that others can reach is served with client
 * certificates or not at all: who speaks to it is root.
 */
export const addressOf = (
  uri: string,
  certificates: Certificates | undefined,
): Result.Result<Address, ListenRefused> => {
  const refuse = (problem: string) => Result.fail(new ListenRefused({ address: uri, problem }))
  if (uri.startsWith("unix:")) {
    const path = uri.slice("unix:".length).replace(/^\/\//, "")
    if (!path.startsWith("/")) return refuse("the path of a socket begins with a slash")
    if (path.includes("\0")) return refuse("the path of a socket has no zero byte")
    if (Buffer.byteLength(path) > maximumSocketPath)
      return refuse(`the path of a socket has at most ${maximumSocketPath} bytes: choose a shorter one`)
    if (certificates !== undefined) return refuse("certificates are for tcp://; a Unix socket is guarded by its mode")
    return Result.succeed({ _tag: "Unix", path })
  }
  const tcp = /^tcp:\/\/(\[[0-9a-fA-F:.]+\]|[^:/[\]]+):(\d{1,5})\/?$/.exec(uri)
  if (tcp === null) return refuse("use unix:///PATH or tcp://HOST:PORT")
  const [, name = "", digits = ""] = tcp
  const host = name.replace(/^\[|\]$/g, "")
  const port = Number(digits)
  if (port > 65535) return refuse("ports go up to 65535")
  return guarded({ _tag: "Tcp", host, port, ...(certificates === undefined ? {} : { certificates }) }, uri)
}

/** An address that keeps strangers out; `uri` is what it was written as. */
export const guarded = (
  address: Address,
  uri: string = formatAddress(address),
): Result.Result<Address, ListenRefused> =>
  address._tag !== "Tcp" || address.certificates !== undefined || isLoopback(address.host)
    ? Result.succeed(address)
    : Result.fail(
        new ListenRefused({
          address: uri,
          problem:
            "whoever reaches this port would be root on this host: give --tls-cert, --tls-key and --tls-client-ca, or listen on 127.0.0.1 or a Unix socket",
        }),
      )

/** Addresses that this host alone reaches; names other than localhost may mean anything. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || (isIP(host) === 4 ? host.startsWith("127.") : host === "::1")

/** The address as a client would write it. */
export const formatAddress = (address: Address): string => {
  switch (address._tag) {
    case "Unix":
      return `unix://${address.path}`
    case "Inherited":
      return `fd://${address.fd}`
    case "Tcp":
      return `tcp://${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`
  }
}
