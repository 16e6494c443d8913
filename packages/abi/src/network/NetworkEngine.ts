/** The networks of this host behind the interface that every engine has. */
import {
  defaultNetworkName,
  type HostFailure,
  type Item,
  type Network,
  NetworkEngine,
  type NetworkFailure,
  networkFilter,
  type NetworkInspect,
  type NetworkRemovalFailure,
} from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import { Containers, isActive, Networks } from "@cryopod/runtime"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { within, withinRef } from "../container/ContainerScope.ts"
import { observe } from "../container/observe.ts"
import { remove } from "../container/remove.ts"
import type { AllServices } from "../EngineServices.ts"
import { createNetwork } from "./createNetwork.ts"
import { joinNetwork } from "./joinNetwork.ts"
import { leaveNetwork } from "./leaveNetwork.ts"

export const networkEngineLayer: Layer.Layer<NetworkEngine, never, AllServices> = Layer.effect(
  NetworkEngine,
  Effect.gen(function* () {
    const services = yield* Effect.context<AllServices>()
    const here = <A, E>(effect: Effect.Effect<A, E, AllServices>): Effect.Effect<A, E> =>
      Effect.provideContext(effect, services)

    return NetworkEngine.of({
      create: (options) => here(createNetwork(options)),
      list: ({ filter }) => here(selected(filter)),
      inspect: (ref) =>
        here(
          Effect.flatMap(
            Effect.flatMap(Networks, (networks) => networks.find(ref)),
            reportOf,
          ),
        ),
      exists: (ref) =>
        here(
          Effect.flatMap(Networks, (networks) => networks.find(ref)).pipe(
            Effect.as(true),
            Effect.catchTags({
              NetworkNotFound: () => Effect.succeed(false),
              NetworkAmbiguous: () => Effect.succeed(false),
            }),
          ),
        ),
      remove: (names, options) =>
        here(
          Effect.map(
            Effect.forEach(names, (input) => removed(input, options)),
            (items) => items.flat(),
          ),
        ),
      connect: (container, attachment) => here(withinRef(container, (record) => joinNetwork(record, attachment))),
      disconnect: (container, { network }) =>
        here(withinRef(container, (record) => leaveNetwork(record, { network, typed: container }))),
      prune: ({ filter }) =>
        here(
          Effect.gen(function* () {
            const unused = yield* selected([...filter, "dangling=true"])
            return (yield* Effect.forEach(unused, ({ name }) => pruned(name))).flat()
          }),
        ),
    })
  }),
)

/** The networks that all filters let through. */
const selected = Effect.fnUntraced(function* (
  filters: ReadonlyArray<string>,
): Effect.fn.Return<ReadonlyArray<Network>, NetworkFailure, AllServices> {
  const networks = yield* Networks
  const all = yield* networks.list
  const users = yield* Effect.forEach(all, ({ name }) => networks.users(name))
  const used = new Set(all.flatMap(({ name }, at) => (users[at]?.length === 0 ? [] : [name])))
  const nowMillis = yield* Clock.currentTimeMillis
  return all.filter(yield* Effect.fromResult(networkFilter({ filters, nowMillis, used })))
})

interface RemovalOptions {
  readonly force: boolean
  readonly timeSeconds: number
}

/** No item when there is nothing to remove and force was meant to bring that about. */
const removed = Effect.fnUntraced(function* (
  input: string,
  { force, timeSeconds }: RemovalOptions,
): Effect.fn.Return<ReadonlyArray<Item<string, NetworkRemovalFailure>>, never, AllServices> {
  const networks = yield* Networks
  const result = yield* Effect.result(
    Effect.gen(function* (): Effect.fn.Return<string, NetworkRemovalFailure, AllServices> {
      const { name } = yield* networks.find(input)
      if (force && name !== defaultNetworkName) {
        for (const id of yield* networks.users(name)) {
          yield* within(id, (record) => remove(record, { force: true, timeSeconds })).pipe(
            Effect.catchTag("ContainerNotFound", () => Effect.void),
          )
        }
      }
      yield* networks.remove(name)
      return input
    }),
  )
  const nothingThere = Result.isFailure(result) && result.failure._tag === "NetworkNotFound"
  return force && nothingThere ? [] : [{ input, result }]
})

/** No item for a network that has found a container since it was looked at, or has gone. */
const pruned = Effect.fnUntraced(function* (name: string) {
  const result = yield* Effect.result(Effect.as((yield* Networks).remove(name), name))
  const passed = Result.isFailure(result) && ["NetworkInUse", "NetworkNotFound"].includes(result.failure._tag)
  return passed ? [] : [{ input: name, result } satisfies Item<string, NetworkFailure>]
})

/** The definition, and the running containers that have a place on it. */
const reportOf = Effect.fnUntraced(function* (
  network: Network,
): Effect.fn.Return<NetworkInspect, HostFailure, AllServices> {
  const layout = yield* Layout
  const containers: Record<string, NetworkInspect["containers"][string]> = {}
  for (const { id, name, state } of yield* (yield* Containers).list) {
    const interfaces = state.networkStatus?.[network.name]?.interfaces
    if (interfaces === undefined || interfaces === null) continue
    if (isActive(observe(state, layout.container(id)))) containers[id] = { name, interfaces }
  }
  return { ...network, containers }
})
