/** The password for a repository, from the files that `login` writes: containers-auth.json(5). */
import * as fs from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import type { RegistryAccess } from "../Transport.ts"
import type { RegistryEnvironment } from "./environment.ts"

/** `USER:PASSWORD`, empty for none; undefined when a program keeps it, or a file cannot be read. */
export const credentialsFor = (
  registry: string,
  repository: string,
  { authfile, creds }: Pick<RegistryAccess, "authfile" | "creds">,
  environment: RegistryEnvironment,
): string | undefined => {
  if (creds !== "") return creds
  for (const path of authfile === "" ? usualFiles(environment) : [authfile]) {
    const login = readLogin(path)
    if (login === "absent") continue
    if (login === "unreadable" || login.credsStore !== undefined || login.credHelpers !== undefined) return undefined
    const found = keysOf(registry, repository)
      .map((key) => login.auths?.[key])
      .find((entry) => entry !== undefined)
    if (found === undefined) continue
    if (found.identitytoken !== undefined || found.auth === undefined) return undefined
    return Buffer.from(found.auth, "base64").toString("utf8")
  }
  return ""
}

interface Login {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>
  readonly credsStore?: unknown
  readonly credHelpers?: unknown
}

const readLogin = (path: string): Login | "absent" | "unreadable" => {
  try {
    return JSON.parse(fs.readFileSync(path, "utf8")) as Login
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "ENOENT" ? "absent" : "unreadable"
  }
}

const usualFiles = (environment: RegistryEnvironment): ReadonlyArray<string> => {
  const { DOCKER_CONFIG, REGISTRY_AUTH_FILE, XDG_CONFIG_HOME, XDG_RUNTIME_DIR } = environment
  if (REGISTRY_AUTH_FILE !== undefined) return [REGISTRY_AUTH_FILE]
  const ofThisLogin =
    XDG_RUNTIME_DIR === undefined ? `/run/containers/${process.getuid?.() ?? 0}` : join(XDG_RUNTIME_DIR, "containers")
  return [
    join(ofThisLogin, "auth.json"),
    join(XDG_CONFIG_HOME ?? join(homedir(), ".config"), "containers/auth.json"),
    join(DOCKER_CONFIG ?? join(homedir(), ".docker"), "config.json"),
  ]
}

/** The closest first: a repository, those above it, the registry as containers and as Docker write it. */
const keysOf = (registry: string, repository: string): ReadonlyArray<string> => {
  const parts = [registry, ...repository.split("/")]
  return [
    ...parts.map((_, at) => parts.slice(0, parts.length - at).join("/")),
    `https://${registry}`,
    `http://${registry}`,
    ...(registry === "docker.io" ? ["https://index.docker.io/v1/", "index.docker.io"] : []),
  ]
}
