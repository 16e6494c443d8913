/** Volumes of another host behind the interface that every engine has. */
import { type VolumeEngineShape, volumeFailures, VolumeNotFound } from "@cryopod/entities"
import { volumeBodyOf } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { ask, each, filtersOf, found, hostOnly, isPathName, orMissing, type Remote } from "../Remote.ts"
import { removals } from "../removals.ts"

export const volumeEngine = (remote: Remote): VolumeEngineShape => {
  const list = (filter: ReadonlyArray<string>) => ask(remote, remote.volumes.list({ query: filtersOf(filter) }))
  const inspect = (ref: string) => onVolume(ref, (params) => ask(remote, remote.volumes.inspect({ params })))
  return {
    create: (options) =>
      Effect.map(ask(remote, remote.volumes.create({ payload: volumeBodyOf(options) })), ({ Name }) => Name),
    list: ({ filter }) => list(filter),
    inspect,
    exists: (ref) =>
      isPathName(ref) ? found(ask(remote, remote.volumes.exists({ params: { name: ref } }))) : Effect.succeed(false),
    remove: (selection, { force, timeSeconds }) =>
      Effect.gen(function* () {
        const inputs = selection._tag === "All" ? (yield* hostOnly(list([]))).map(({ Name }) => Name) : selection.names
        const items = yield* each(inputs, (ref) =>
          Effect.gen(function* () {
            const { Name: name } = yield* inspect(ref)
            yield* onVolume(name, (params) =>
              ask(remote, remote.volumes.remove({ params, query: { force, time: timeSeconds } })),
            )
            return name
          }),
        )
        // by force, one that is not there is no item
        return items.filter(
          ({ result }) => !force || Result.isSuccess(result) || !(result.failure instanceof VolumeNotFound),
        )
      }),
    prune: ({ filter }) =>
      Effect.map(ask(remote, remote.volumes.prune({ query: { ...filtersOf(filter), failures: true } })), (reports) =>
        removals(
          reports.map((report) => ({ ...report, name: report.Id })),
          volumeFailures,
        ),
      ),
  }
}

/** A call about one volume; what is not there is told as the engine tells it. */
const onVolume = <A, E, R>(
  ref: string,
  call: (params: { readonly name: string }) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E | VolumeNotFound, R> => {
  const missing = new VolumeNotFound({ ref })
  return isPathName(ref) ? orMissing(call({ name: ref }), missing) : Effect.fail(missing)
}
