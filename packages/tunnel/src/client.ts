/** The typed client of a service. Each method is made when it is first asked for: most commands need two of a hundred. */
import { type LibpodApi, libpodApi, libpodClient, libpodRoutes } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"

export type Client = HttpApiClient.ForApi<typeof LibpodApi>

/** What all groups of routes have in common. */
interface AnyRoutes {
  readonly names: ReadonlyArray<string>
  readonly only: (name: string) => HttpApiGroup.Constraint
}

export const clientOf = (httpClient: HttpClient.HttpClient): Client => {
  const groups = libpodRoutes as never as Readonly<Record<string, AnyRoutes>>
  const methodsOf = ([group, { names, only }]: readonly [string, AnyRoutes]) => {
    const methodOf = (endpoint: string) =>
      HttpApiClient.endpoint(libpodApi([only(endpoint) as never]), { group, endpoint, httpClient } as never).pipe(
        Effect.provide(libpodClient),
        Effect.runSync,
      )
    return [group, lazily(names, methodOf)] as const
  }
  return Object.fromEntries(Object.entries(groups).map(methodsOf)) as never
}

/** An object whose fields are made when they are first read. */
const lazily = (names: ReadonlyArray<string>, make: (name: string) => unknown): object =>
  Object.defineProperties(
    {},
    Object.fromEntries(
      names.map((name) => {
        let made: unknown
        return [name, { get: () => (made ??= make(name)) }]
      }),
    ),
  )
