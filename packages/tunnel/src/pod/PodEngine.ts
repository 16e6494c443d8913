/** Pods of another host behind the interface that every engine has. */
import {
  type HostFailure,
  type Items,
  NoPods,
  type PodEngineShape,
  type PodFailure,
  podFailures,
  PodNotFound,
  type PodReport,
  type PodSelection,
} from "@cryopod/entities"
import { failureOn, podSpecOf } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import {
  ask,
  each,
  filtersOf,
  found,
  hostOnly,
  insisting,
  isPathName,
  ownRuntimeOnly,
  orMissing,
  type Remote,
} from "../Remote.ts"

export const podEngine = (remote: Remote): PodEngineShape => {
  const list = (filter: ReadonlyArray<string>) => ask(remote, remote.pods.list({ query: filtersOf(filter) }))
  const rows = hostOnly(list([]))
  const latest = Effect.flatMap(rows, ([row]) =>
    row === undefined ? Effect.fail(new NoPods()) : Effect.succeed(row.Id),
  )
  const inspect = (ref: string) => onPod(ref, (params) => ask(remote, remote.pods.inspect({ params })))
  /** All of them the oldest first. */
  const select = (selection: PodSelection): Effect.Effect<ReadonlyArray<string>, HostFailure | NoPods> => {
    switch (selection._tag) {
      case "Names":
        return Effect.succeed(selection.names)
      case "Latest":
        return Effect.map(latest, (id) => [id])
      case "All":
        return Effect.map(rows, (all) => all.map(({ Id }) => Id).toReversed())
    }
  }
  /** Of a pod for which there was nothing to do there is no item. */
  const act = (
    selection: PodSelection,
    call: (params: { readonly name: string }) => Effect.Effect<unknown, PodFailure>,
  ): Effect.Effect<Items<PodReport, PodFailure>, HostFailure | NoPods> =>
    Effect.flatMap(select(selection), (inputs) =>
      each(inputs, (input) =>
        Effect.gen(function* () {
          const { Id, Name } = yield* inspect(input)
          const answer = yield* onPod(Id, call)
          return answer === undefined ? undefined : { Id, Name }
        }),
      ),
    ).pipe(
      Effect.map((items) =>
        items.flatMap((item) => (didNothing(item) ? [] : [item as Items<PodReport, PodFailure>[number]])),
      ),
    )
  return {
    create: (options) =>
      Effect.gen(function* () {
        const infra = options.infra === undefined ? undefined : insisting(remote, options.infra)
        if (infra !== undefined) yield* ownRuntimeOnly(remote, infra)
        const wanted = infra === undefined ? options : { ...options, infra }
        const payload = yield* Effect.fromResult(podSpecOf(wanted))
        const { Id: id } = yield* ask(remote, remote.pods.create({ payload }))
        return { id }
      }),
    list: ({ filter, latest: only }) => Effect.map(list(filter), (all) => (only ? all.slice(0, 1) : all)),
    inspect,
    exists: (ref) =>
      isPathName(ref) ? found(ask(remote, remote.pods.exists({ params: { name: ref } }))) : Effect.succeed(false),
    latest,
    start: (selection) => act(selection, (params) => ask(remote, remote.pods.start({ params }))),
    stop: (selection, { ignore, timeSeconds }) =>
      Effect.map(
        act(selection, (params) =>
          ask(remote, remote.pods.stop({ params, query: { ignore, ...timeOf(timeSeconds) } })),
        ),
        ignoring(ignore),
      ),
    restart: (selection) => act(selection, (params) => ask(remote, remote.pods.restart({ params }))),
    kill: (selection, { signal }) =>
      act(selection, (params) => ask(remote, remote.pods.kill({ params, query: { signal } }))),
    pause: (selection) => act(selection, (params) => ask(remote, remote.pods.pause({ params }))),
    unpause: (selection) => act(selection, (params) => ask(remote, remote.pods.unpause({ params }))),
    remove: (selection, { force, ignore, timeSeconds }) =>
      Effect.map(
        act(selection, (params) =>
          ask(remote, remote.pods.remove({ params, query: { force, ignore, ...timeOf(timeSeconds) } })),
        ),
        ignoring(ignore),
      ),
    prune: Effect.gen(function* () {
      const names = new Map((yield* rows).map(({ Id, Name }) => [Id, Name]))
      const reports = yield* hostOnly(ask(remote, remote.pods.prune({ query: { failures: true } })))
      return reports.map(({ failure, Id }) => ({
        input: Id,
        result:
          failure === undefined
            ? Result.succeed({ Id, Name: names.get(Id) ?? Id })
            : Result.fail(failureOn(podFailures, failure)),
      }))
    }),
    top: (ref, descriptors) =>
      Effect.map(
        onPod(ref, (params) =>
          ask(
            remote,
            remote.pods.top({ params, query: descriptors.length === 0 ? {} : { ps_args: descriptors.join(",") } }),
          ),
        ),
        ({ Processes: processes, Titles: titles }) => (titles.length === 0 ? [] : [titles, ...processes]),
      ),
  }
}

const timeOf = (seconds: number) => (seconds < 0 ? {} : { time: seconds })

const didNothing = ({ result }: Items<unknown, unknown>[number]) =>
  Result.isSuccess(result) && result.success === undefined

/** Pods that are not there are no items when missing ones are to be ignored. */
const ignoring =
  (ignore: boolean) =>
  <A, E>(items: Items<A, E>): Items<A, E> =>
    ignore ? items.filter(({ result }) => Result.isSuccess(result) || !(result.failure instanceof PodNotFound)) : items

/** A call about one pod; what is not there is told as the engine tells it. */
const onPod = <A, E, R>(
  ref: string,
  call: (params: { readonly name: string }) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E | PodNotFound, R> => {
  const missing = new PodNotFound({ ref })
  return isPathName(ref) ? orMissing(call({ name: ref }), missing) : Effect.fail(missing)
}
