/** The typed client of a service. Each method is made when it is first asked for: most commands need two of a hundred. */
import { type LibpodApi, libpodApi, libpodClient, libpodRoutes } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"

export type Client = HttpApiClient.ForApi<typeof LibpodApi>

/** What all groups of routes have in common. */
interface AnyRoutes {
  readonly group: string
  readonly names: ReadonlyArray<string>
  readonly only: (name: string) => HttpApiGroup.Constraint
}

export const clientOf = (httpClient: HttpClient.HttpClient): Client =>
  mapped(libpodRoutes, (routes) => {
    const { group, names, only } = routes as never as AnyRoutes
    return lazily(names, (endpoint) =>
      Effect.runSync(
        HttpApiClient.endpoint(libpodApi([only(endpoint) as never]), { group, endpoint, httpClient } as never).pipe(
          Effect.provide(libpodClient),
        ),
      ),
    )
  }) as never

const mapped = <A, B>(from: Readonly<Record<string, A>>, map: (value: A) => B): Readonly<Record<string, B>> =>
  Object.fromEntries(Object.entries(from).map(([name, value]) => [name, map(value)]))

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
