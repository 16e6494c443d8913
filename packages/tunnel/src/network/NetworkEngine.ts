/** Networks of another host behind the interface that every engine has. */
import { type NetworkEngineShape, networkFailures, NetworkNotFound } from "@cryopod/entities"
import { networkBodyOf, placeOf } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { ask, each, filtersOf, found, isPathName, orMissing, type Remote } from "../Remote.ts"
import { removals } from "../removals.ts"

export const networkEngine = (remote: Remote): NetworkEngineShape => {
  const inspect = (ref: string) => onNetwork(ref, (params) => ask(remote, remote.networks.inspect({ params })))
  return {
    create: (options) =>
      Effect.map(
        ask(
          remote,
          remote.networks.create({ query: { ignoreIfExists: options.ignore }, payload: networkBodyOf(options) }),
        ),
        ({ name }) => name,
      ),
    list: ({ filter }) => ask(remote, remote.networks.list({ query: filtersOf(filter) })),
    inspect,
    exists: (ref) =>
      isPathName(ref) ? found(ask(remote, remote.networks.exists({ params: { name: ref } }))) : Effect.succeed(false),
    remove: (names, { force, timeSeconds }) =>
      Effect.map(
        each(names, (ref) =>
          Effect.gen(function* () {
            // by force, a service says nothing of one that is not there
            if (force) yield* inspect(ref)
            yield* onNetwork(ref, (params) =>
              ask(remote, remote.networks.remove({ params, query: { force, time: timeSeconds } })),
            )
            return ref
          }),
        ),
        (items) =>
          // by force, one that is not there is no item
          items.filter(
            ({ result }) => !force || Result.isSuccess(result) || !(result.failure instanceof NetworkNotFound),
          ),
      ),
    // Podman's service has one status for a container and for a network that is not there, and says in words which it is
    connect: (container, attachment) =>
      named(attachment.network, (params) =>
        ask(remote, remote.networks.connect({ params, payload: { container, ...placeOf(attachment) } })),
      ),
    disconnect: (container, { force, network }) =>
      named(network, (params) =>
        ask(remote, remote.networks.disconnect({ params, payload: { Container: container, Force: force } })),
      ),
    prune: ({ filter }) =>
      Effect.map(ask(remote, remote.networks.prune({ query: { ...filtersOf(filter), failures: true } })), (reports) =>
        removals(
          reports.map(({ Name: name, ...report }) => ({ ...report, name })),
          networkFailures,
        ),
      ),
  }
}

type Call<A, E, R> = (params: { readonly name: string }) => Effect.Effect<A, E, R>

/** A call about one network, of which there is none by a name that does not fit into a path. */
const named = <A, E, R>(ref: string, call: Call<A, E, R>): Effect.Effect<A, E | NetworkNotFound, R> =>
  isPathName(ref) ? call({ name: ref }) : Effect.fail(new NetworkNotFound({ ref }))

/** The same; what is not there is told as the engine tells it. */
const onNetwork = <A, E, R>(ref: string, call: Call<A, E, R>): Effect.Effect<A, E | NetworkNotFound, R> =>
  orMissing(named(ref, call), new NetworkNotFound({ ref }))
