/**
 * Endpoints by the names of their groups, each made when it is first asked for.
 *
 * An endpoint of Effect's checks and joins all of its schemas when it is made. A service and the reference need every one of
 * them; a client that asks one thing of a service would make a hundred for it.
 */
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"

type Endpoints = Readonly<Record<string, HttpApiEndpoint.Constraint>>

export interface Routes<Group extends string, Of extends Endpoints> {
  /** Names of the endpoints, in the order of the reference. */
  readonly names: ReadonlyArray<keyof Of & string>
  /** The group with one endpoint in it. */
  readonly only: <const Name extends keyof Of & string>(name: Name) => HttpApiGroup.HttpApiGroup<Group, Of[Name]>
  /** The group with all of them. */
  readonly whole: () => HttpApiGroup.HttpApiGroup<Group, Of[keyof Of]>
}

/** Each endpoint is made under the name that it stands under. */
export const routes = <const Group extends string, Of extends Endpoints>(
  group: Group,
  make: { readonly [Name in keyof Of]: (name: Name) => Of[Name] },
): Routes<Group, Of> => {
  const names = Object.keys(make) as ReadonlyArray<keyof Of & string>
  const of = (some: ReadonlyArray<keyof Of & string>) =>
    HttpApiGroup.make(group).add(...(some.map((name) => make[name](name)) as never as readonly [Of[keyof Of]]))
  return {
    names,
    only: (name) => of([name]) as never,
    whole: () => of(names),
  }
}
