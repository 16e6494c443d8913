/** Requests to one repository of a registry: OCI distribution-spec v1.1, and Docker's way to log in ("Token Authentication"). */
import { request as requestPlainly } from "node:http"
import { request as requestSafely } from "node:https"
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from "node:http"
import type { RegistryAccess } from "../Transport.ts"
import { credentialsFor } from "./credentials.ts"
import type { RegistryEnvironment } from "./environment.ts"
import { isPlain, trustedAuthorities } from "./hostRules.ts"

export interface Repository {
  /** `HOST[:PORT]`. */
  readonly registry: string
  /** `team/web`. */
  readonly path: string
}

export interface Session {
  /** `https://HOST/v2/PATH/`. */
  readonly base: URL
  /** Begin a request, whose body is the caller's to write. */
  readonly begin: (method: string, url: URL, headers?: OutgoingHttpHeaders) => ClientRequest
  /** A request without a body. */
  readonly ask: (method: string, url: URL) => Promise<Answer>
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage["headers"]
  readonly text: string
}

/** Some registries turn away whoever has no name. */
const ours = { "user-agent": "cryopod" }

/** Whoever does not answer by then may be slow, or not there: skopeo finds out which. */
const patienceMillis = 5000

/** Undefined where it takes more than is known here to get in, or to know how. */
export const openSession = async (
  { path, registry }: Repository,
  access: RegistryAccess,
  environment: RegistryEnvironment,
): Promise<Session | undefined> => {
  const authorities = trustedAuthorities(environment)
  const credentials = credentialsFor(registry, path, access, environment)
  if (credentials === undefined || !isPlain(registry, environment)) return undefined
  if (access.tlsVerify && authorities === undefined) return undefined
  const host = registry === "docker.io" ? "registry-1.docker.io" : registry
  const tls = access.tlsVerify ? { ca: authorities } : { rejectUnauthorized: false }
  const send = (method: string, url: URL, headers: OutgoingHttpHeaders = {}): ClientRequest =>
    url.protocol === "https:"
      ? requestSafely(url, { method, headers: { ...ours, ...headers }, ...tls })
      : requestPlainly(url, { method, headers: { ...ours, ...headers } })
  const ask = (method: string, url: URL, headers?: OutgoingHttpHeaders) => answerOf(send(method, url, headers).end())

  for (const scheme of access.tlsVerify ? ["https"] : ["https", "http"]) {
    const root = new URL(`${scheme}://${host}/v2/`)
    const greeting = await answerOf(send("GET", root).setTimeout(patienceMillis, hangUp).end()).catch(() => undefined)
    if (greeting === undefined) continue
    const authorization = await authorizationFor(greeting, { ask, path, credentials })
    if (authorization === undefined) return undefined
    // a place for the upload may lie with others, who are not to know the password
    const headersFor = ({ origin }: URL): OutgoingHttpHeaders =>
      authorization === "" || origin !== root.origin ? {} : { authorization }
    return {
      base: new URL(`${path}/`, root),
      begin: (method, url, headers = {}) => send(method, url, { ...headersFor(url), ...headers }),
      ask: (method, url) => ask(method, url, headersFor(url)),
    }
  }
  return undefined
}

function hangUp(this: ClientRequest): void {
  this.destroy(new Error("no answer"))
}

export const answerOf = (request: ClientRequest): Promise<Answer> =>
  new Promise((resolve, reject) => {
    request.once("error", reject)
    request.once("response", (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (part: string) => (text += part))
      response.once("error", reject)
      response.once("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
  })

interface Door {
  readonly ask: (method: string, url: URL, headers?: OutgoingHttpHeaders) => Promise<Answer>
  readonly path: string
  readonly credentials: string
}

/** What every request has to say, empty where nothing; undefined where one does not get in. */
const authorizationFor = async (
  { headers, status }: Answer,
  { ask, credentials, path }: Door,
): Promise<string | undefined> => {
  if (status === 200) return ""
  const challenge = headers["www-authenticate"] ?? ""
  const basic = credentials === "" ? undefined : `Basic ${Buffer.from(credentials).toString("base64")}`
  if (status !== 401) return undefined
  if (/^basic\b/i.test(challenge)) return basic
  const { realm, service } = parametersOf(challenge)
  if (!/^bearer\b/i.test(challenge) || realm === undefined || !URL.canParse(realm)) return undefined
  const url = new URL(realm)
  if (service !== undefined) url.searchParams.set("service", service)
  url.searchParams.set("scope", `repository:${path}:pull,push`)
  const answer = await ask("GET", url, basic === undefined ? {} : { authorization: basic }).catch(() => undefined)
  const token = answer?.status === 200 ? tokenIn(answer.text) : undefined
  return token === undefined ? undefined : `Bearer ${token}`
}

const parametersOf = (challenge: string): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(Array.from(challenge.matchAll(/(\w+)="([^"]*)"/g), ([, key, value]) => [key, value]))

const tokenIn = (text: string): string | undefined => {
  try {
    const { access_token, token } = JSON.parse(text) as { readonly token?: unknown; readonly access_token?: unknown }
    return [token, access_token].find((one) => typeof one === "string")
  } catch {
    return undefined
  }
}
