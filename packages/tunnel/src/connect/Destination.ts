/** Where a service listens, as a client writes it. */
import { OptionInvalid } from "@cryopod/entities"
import * as Result from "effect/Result"

/** PEM texts of a client's identity, and of those who may vouch for the server. */
export interface ClientCertificates {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export type Destination =
  | { readonly _tag: "Unix"; readonly path: string }
  | { readonly _tag: "Tcp"; readonly host: string; readonly port: number; readonly certificates?: ClientCertificates }
  | {
      readonly _tag: "Ssh"
      readonly host: string
      readonly port?: number
      readonly user?: string
      /** Socket of the service on that host. */
      readonly path: string
      /** File with the key to log in with. */
      readonly identity?: string
    }

export interface DestinationOptions {
  readonly certificates?: ClientCertificates
  readonly identity?: string
}

/** Where a service listens on a host that is only named. */
const usualSocket = "/run/cryopod/cryopod.sock"

/** `unix:///run/x.sock`, `tcp://host:8443`, `ssh://root@host:22/run/x.sock`. */
export const destinationOf = (
  url: string,
  { certificates, identity }: DestinationOptions = {},
): Result.Result<Destination, OptionInvalid> => {
  const refuse = (problem: string) => Result.fail(new OptionInvalid({ option: "url", value: url, problem }))
  if (url.startsWith("unix:")) {
    const path = url.slice("unix:".length).replace(/^\/\//, "")
    return path.startsWith("/")
      ? Result.succeed({ _tag: "Unix", path })
      : refuse("the path of a socket begins with a slash")
  }
  const parsed = URL.parse(url)
  if (parsed?.protocol === "tcp:") {
    if (parsed.port === "" || parsed.hostname === "") return refuse("use tcp://HOST:PORT")
    const host = parsed.hostname.replace(/^\[|\]$/g, "")
    return Result.succeed({
      _tag: "Tcp",
      host,
      port: Number(parsed.port),
      ...(certificates === undefined ? {} : { certificates }),
    })
  }
  if (parsed?.protocol === "ssh:") {
    // the ssh program would take it for an option
    if (parsed.hostname === "" || parsed.hostname.startsWith("-") || parsed.username.startsWith("-"))
      return refuse("use ssh://[USER@]HOST[:PORT][/PATH]")
    return Result.succeed({
      _tag: "Ssh",
      host: parsed.hostname.replace(/^\[|\]$/g, ""),
      path: parsed.pathname === "" || parsed.pathname === "/" ? usualSocket : decodeURIComponent(parsed.pathname),
      ...(parsed.port === "" ? {} : { port: Number(parsed.port) }),
      ...(parsed.username === "" ? {} : { user: decodeURIComponent(parsed.username) }),
      ...(identity === undefined ? {} : { identity }),
    })
  }
  return refuse("use unix:///PATH, tcp://HOST:PORT or ssh://[USER@]HOST[:PORT][/PATH]")
}
