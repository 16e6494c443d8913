/**
 * Whether a command line leads to this host's engine or to another one's, as Podman decides it: `--url`, then `--connection`,
 * then CONTAINER_HOST, then CONTAINER_CONNECTION, then, with `--remote`, the preferred connection or a service on this host.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { defaultRunroot } from "@cryopod/abi"
import { OptionInvalid } from "@cryopod/entities"
import type { TunnelSettings } from "@cryopod/tunnel"
import * as Result from "effect/Result"
import { globalFlags, remoteFlags } from "../global.ts"
import { type ParsedFlags, valuesOf } from "../kit/index.ts"
import { Problem } from "../output.ts"
import { type Connections, connectionsPath, type NamedConnection, readConnections } from "./ConnectionsFile.ts"

type Environment = Readonly<Record<string, string | undefined>>

/** Undefined for the engine of this host. */
export const remoteDestination = (
  parsed: ParsedFlags,
  env: Environment,
): Result.Result<TunnelSettings | undefined, Problem | OptionInvalid> => {
  const flags = valuesOf(parsed, remoteFlags)
  if (parsed.changed.has("remote") && !flags.remote) return Result.succeed(undefined)
  const identity = flags.identity || env["CONTAINER_SSHKEY"] || ""
  const tls = {
    TLSCA: flags["tls-ca"] || env["CONTAINER_TLS_CA"] || "",
    TLSCert: flags["tls-cert"] || env["CONTAINER_TLS_CERT"] || "",
    TLSKey: flags["tls-key"] || env["CONTAINER_TLS_KEY"] || "",
  }
  const at = (URI: string) => settingsOf({ URI, Identity: identity, ...tls })
  if (flags.url !== "") return at(flags.url)
  const host = flags.connection === "" ? env["CONTAINER_HOST"] : undefined
  if (host) return at(host)
  const name = flags.connection || env["CONTAINER_CONNECTION"] || ""
  if (name === "" && !flags.remote) return Result.succeed(undefined)
  return Result.flatMap(readConnections(connectionsPath(env)), (connections) => {
    const wanted = name || connections.preferred
    if (wanted === undefined) return at(`unix://${usualSocket(parsed, env)}`)
    return Result.flatMap(named(connections, wanted), (connection) =>
      settingsOf({ ...connection, ...(identity === "" ? {} : { Identity: identity }) }),
    )
  })
}

/** Where a service listens that was told nothing else. */
export const usualSocket = (parsed: ParsedFlags, env: Environment): string =>
  join(valuesOf(parsed, globalFlags).runroot || env["CRYOPOD_RUNROOT"] || defaultRunroot, "cryopod.sock")

const named = ({ named: all }: Connections, name: string): Result.Result<NamedConnection, Problem> =>
  all[name] === undefined
    ? Result.fail(new Problem({ text: `read cli flags: connection ${JSON.stringify(name)} not found` }))
    : Result.succeed(all[name])

const settingsOf = ({
  Identity: identity = "",
  TLSCA: ca = "",
  TLSCert: cert = "",
  TLSKey: key = "",
  URI: url,
}: NamedConnection): Result.Result<TunnelSettings, OptionInvalid> =>
  Result.map(Result.all({ ca: pem("tls-ca", ca), cert: pem("tls-cert", cert), key: pem("tls-key", key) }), (texts) => {
    const certificates = Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ""))
    return {
      url,
      ...(identity === "" ? {} : { identity }),
      ...(Object.keys(certificates).length === 0 ? {} : { certificates }),
    }
  })

const pem = (option: string, path: string): Result.Result<string, OptionInvalid> =>
  path === ""
    ? Result.succeed("")
    : Result.try({
        try: () => fs.readFileSync(path, "utf8"),
        catch: (cause) => new OptionInvalid({ option, value: path, problem: (cause as Error).message }),
      })
