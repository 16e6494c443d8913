/** A service that is asked, and what every operation on it has in common. */
import {
  EngineUnreachable,
  type HostFailure,
  isHostFailure,
  type Items,
  NotSupported,
  type RuntimeName,
  ServiceFailure,
  StorageFailed,
} from "@cryopod/entities"
import { causeOf, type ExecSessionNotFound, type RequestInvalid, statusOfFailure } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as Schema from "effect/Schema"
import { type Client, clientOf } from "./client.ts"
import { type Connection, problemOf, wordsOf } from "./connect/Connection.ts"

export interface Remote extends Connection, Client, Insisting {}

/** What every new container is asked for with. */
export interface Insisting {
  /** The OCI runtime that the caller insists on. */
  readonly runtime?: RuntimeName
}

export const remoteOf = (connection: Connection, { runtime }: Insisting = {}): Remote => ({
  ...connection,
  ...clientOf(connection.http),
  ...(runtime === undefined ? {} : { runtime }),
})

/** What a call of the client can fail with beside the failures of its endpoint. */
type Mishap = HttpClientError.HttpClientError | Schema.SchemaError | RequestInvalid | ExecSessionNotFound

/** A call, with the very failures that the engine gave. */
export const ask = <A, E, R>(
  remote: Remote,
  call: Effect.Effect<A, E | Mishap, R>,
): Effect.Effect<A, Exclude<E, Mishap> | HostFailure, R> =>
  Effect.mapError(call, (failure) => (isMishap(failure) ? ofMishap(remote, failure) : (failure as Exclude<E, Mishap>)))

const mishaps = new Set(["HttpClientError", "SchemaError", "RequestInvalid", "ExecSessionNotFound"])

const isMishap = (failure: unknown): failure is Mishap =>
  typeof failure === "object" && failure !== null && "_tag" in failure && mishaps.has(String(failure._tag))

const ofMishap = (remote: Remote, failure: Mishap): HostFailure => {
  switch (failure._tag) {
    case "RequestInvalid":
    case "ExecSessionNotFound":
      return textOnly(failure.message, statusOfFailure(failure))
    case "SchemaError":
      return new EngineUnreachable({ url: remote.url, problem: `an answer that cannot be read: ${failure.message}` })
    case "HttpClientError":
      return ofTransport(remote, failure)
  }
}

/** What broke off an upload is what its bytes came from, if that failed. */
export const ofTransport = (remote: Remote, failure: HttpClientError.HttpClientError): HostFailure => {
  const cause = "cause" in failure.reason ? failure.reason.cause : undefined
  if (cause instanceof StorageFailed) return cause
  return new EngineUnreachable({ url: remote.url, problem: problemOf(failure) })
}

/** What broke off the body of an answer. */
export const ofBody = (remote: Remote, cause: unknown): HostFailure =>
  new EngineUnreachable({ url: remote.url, problem: wordsOf(cause as Error) })

/** A failure of which there is only a text. */
export const textOnly = (text: string, status: number): ServiceFailure =>
  new ServiceFailure({ cause: causeOf(text), text, status })

/** Only what failures of the host are; others keep their text. */
export const hostOnly = <A, E extends { readonly message: string }, R>(
  work: Effect.Effect<A, E, R>,
): Effect.Effect<A, HostFailure, R> =>
  Effect.mapError(work, (failure) =>
    isHostFailure(failure) ? failure : textOnly(failure.message, statusOfFailure(failure)),
  )

/** What Podman's service knows only by its status: something of this name is not there. */
export const orMissing = <A, E, R, Missing>(
  call: Effect.Effect<A, E, R>,
  missing: Missing,
): Effect.Effect<A, E | Missing, R> =>
  Effect.mapError(call, (failure) => (failure instanceof ServiceFailure && failure.status === 404 ? missing : failure))

/** Whether a call about one thing finds it. */
export const found = <E extends object, R>(
  call: Effect.Effect<unknown, E, R>,
): Effect.Effect<boolean, HostFailure, R> =>
  Effect.as(call, true).pipe(
    Effect.catchIf(
      (failure) => statusOfFailure(failure) === 404,
      () => Effect.succeed(false),
    ),
    Effect.mapError((failure) => failure as never as HostFailure & { readonly message: string }),
    hostOnly,
  )

/** One item for each input, in order, whatever becomes of the others. */
export const each = <A, E, R>(
  inputs: ReadonlyArray<string>,
  work: (input: string) => Effect.Effect<A, E, R>,
): Effect.Effect<Items<A, E>, never, R> =>
  Effect.forEach(inputs, (input) => Effect.map(Effect.result(work(input)), (result) => ({ input, result })))

/** A name that can stand in a path: empty ones and dots would lead to another place. */
export const isPathName = (ref: string): boolean => ref !== "" && ref !== "." && ref !== ".."

/** Refuse what Podman's service would leave out without a word. */
export const onlyOurs = (
  remote: Remote,
  asked: Readonly<Record<string, boolean>>,
): Effect.Effect<void, NotSupported> => {
  if (remote.kind === "cryopod") return Effect.void
  const what = Object.entries(asked).find(([, is]) => is)?.[0]
  return what === undefined ? Effect.void : Effect.fail(new NotSupported({ what }))
}

/** Options of something that is made there, with the caller's runtime unless they name one themselves. */
export const insisting = <Options extends Insisting>({ runtime }: Insisting, options: Options): Options =>
  runtime === undefined ? options : { runtime, ...options }

/** Podman's service makes everything with its own runtime (5.4.2 passes `oci_runtime` over): another one is refused, not lost. */
export const ownRuntimeOnly = Effect.fnUntraced(function* (
  remote: Remote,
  { runtime }: Insisting,
): Effect.fn.Return<void, HostFailure> {
  if (remote.kind === "cryopod" || runtime === undefined) return
  const { host } = yield* ask(remote, remote.system.info())
  if (host.ociRuntime.name !== runtime) return yield* new NotSupported({ what: `the runtime ${runtime}` })
})

/** Filters of a command line as libpod's query has them. */
export const filtersOf = (
  words: ReadonlyArray<string>,
): { readonly filters?: Readonly<Record<string, ReadonlyArray<string>>> } => {
  const filters: Record<string, Array<string>> = {}
  for (const word of words) {
    const equals = word.indexOf("=")
    // without a value it is none: a service of ours says so
    if (equals < 0) filters[word] ??= []
    else (filters[word.slice(0, equals)] ??= []).push(word.slice(equals + 1))
  }
  return words.length === 0 ? {} : { filters }
}
