/**
 * What this host says of registries, which skopeo reads by itself: places that are blocked or reached in another way,
 * certificates, programs that keep passwords, proxies. Where it says anything of the kind about a registry, or about any
 * where that cannot be told, everything is left to skopeo.
 */
import * as fs from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import type { RegistryEnvironment } from "./environment.ts"

/** True when nothing but the usual is to be known about a registry, `HOST[:PORT]`. */
export const isPlain = (registry: string, environment: RegistryEnvironment): boolean =>
  !proxies.some((name) => environment[name] !== undefined) &&
  !configurations(environment).some(saysMore) &&
  !certificates().some((directory) => fs.existsSync(join(directory, registry)))

const proxies = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] as const

/** containers-registries.conf(5) and containers-registries.conf.d(5). */
const configurations = (environment: RegistryEnvironment): ReadonlyArray<string> => {
  const { CONTAINERS_REGISTRIES_CONF: given, REGISTRIES_CONFIG_PATH: formerly } = environment
  const own = join(homedir(), ".config/containers")
  return [
    ...[given, formerly].flatMap((path) => path ?? []),
    ...["/etc/containers", "/usr/share/containers", own].flatMap((directory) => [
      join(directory, "registries.conf"),
      ...filesIn(join(directory, "registries.conf.d")),
    ]),
  ]
}

/** Beyond where short names are looked for: tables of registries (versions 1 and 2), helpers with passwords. */
const saysMore = (path: string): boolean => {
  try {
    return /^\s*(?:\[\[?\s*["']?registr|["']?credential-helpers)/m.test(fs.readFileSync(path, "utf8"))
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code !== "ENOENT"
  }
}

const filesIn = (directory: string): ReadonlyArray<string> => {
  try {
    return fs.readdirSync(directory).map((name) => join(directory, name))
  } catch {
    return []
  }
}

/** containers-certs.d(5). */
const certificates = (): ReadonlyArray<string> => [
  "/etc/containers/certs.d",
  "/etc/docker/certs.d",
  join(homedir(), ".config/containers/certs.d"),
]

/** Authorities that this host trusts, where Go's programs look for them (Go `crypto/x509/root_linux.go`). */
export const trustedAuthorities = ({ SSL_CERT_FILE: given }: RegistryEnvironment): string | undefined => {
  for (const path of given === undefined ? bundles : [given]) {
    try {
      return fs.readFileSync(path, "utf8")
    } catch {
      // the next one, then
    }
  }
  return undefined
}

const bundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
]
