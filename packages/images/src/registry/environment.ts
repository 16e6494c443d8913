/** Variables that say how registries are reached, to skopeo and to us: containers-registries.conf(5), containers-auth.json(5), Go's `net/http` and `crypto/x509`. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"

const variables = [
  "CONTAINERS_REGISTRIES_CONF",
  "REGISTRIES_CONFIG_PATH",
  "REGISTRY_AUTH_FILE",
  "DOCKER_CONFIG",
  "XDG_CONFIG_HOME",
  "XDG_RUNTIME_DIR",
  "SSL_CERT_FILE",
  "http_proxy",
  "HTTP_PROXY",
  "https_proxy",
  "HTTPS_PROXY",
  "all_proxy",
  "ALL_PROXY",
] as const

/** Those that are set, and not to nothing. */
export type RegistryEnvironment = { readonly [Name in (typeof variables)[number]]?: string }

export const registryEnvironment: Effect.Effect<RegistryEnvironment> = Effect.map(
  Effect.forEach(variables, (name) =>
    Config.String(name).pipe(
      Effect.orElseSucceed(() => ""),
      Effect.map((value) => (value === "" ? [] : [[name, value] as const])),
    ),
  ),
  (set) => Object.fromEntries(set.flat()),
)
