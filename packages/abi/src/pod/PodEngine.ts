/** The pods of this host behind the interface that every engine has. */
import {
  type HostFailure,
  type Item,
  type NoPods,
  type PodAmbiguous,
  PodEngine,
  type PodFailure,
  PodNotFound,
  type PodReport,
  type PodSelection,
} from "@cryopod/entities"
import { type PodRecord, Pods } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type { AllServices } from "../EngineServices.ts"
import { requireRoot } from "../system/privilege.ts"
import { createPod } from "./createPod.ts"
import { inspectPod, listPods, statusOf } from "./inspectPod.ts"
import { membersOf } from "./members.ts"
import { withinPod } from "./PodScope.ts"
import { removePod } from "./removePod.ts"
import { killPod, pausePod, restartPod, startPod, stopPod, unpausePod } from "./runPod.ts"
import { topPod } from "./topPod.ts"

export const podEngineLayer: Layer.Layer<PodEngine, never, AllServices> = Layer.effect(
  PodEngine,
  Effect.gen(function* () {
    const services = yield* Effect.context<AllServices>()
    const here = <A, E>(effect: Effect.Effect<A, E, AllServices>): Effect.Effect<A, E> =>
      Effect.provideContext(effect, services)

    return PodEngine.of({
      create: (options) => here(Effect.andThen(requireRoot("run"), createPod(options))),
      list: (flags) => here(listPods(flags)),
      inspect: (ref) => here(inspectPod(ref)),
      exists: (ref) =>
        here(
          Effect.flatMap(Pods, (pods) => pods.find(ref)).pipe(
            Effect.as(true),
            Effect.catchTags({
              PodNotFound: () => Effect.succeed(false),
              PodAmbiguous: () => Effect.succeed(false),
            }),
          ),
        ),
      latest: here(Effect.flatMap(Pods, (pods) => Effect.map(pods.latest, ({ config }) => config.id))),
      start: (selection) => here(each(selection, startPod)),
      stop: (selection, { ignore, timeSeconds }) =>
        here(
          Effect.map(
            each(selection, (record) => stopPod(record, timeSeconds)),
            ignoring(ignore),
          ),
        ),
      restart: (selection) => here(each(selection, restartPod)),
      kill: (selection, { signal }) => here(each(selection, (record) => killPod(record, signal))),
      pause: (selection) => here(each(selection, pausePod)),
      unpause: (selection) => here(Effect.flatMap(select(selection), (selected) => work(selected, unpausePod, waits))),
      remove: (selection, options) =>
        here(
          Effect.map(
            each(selection, (record) => removePod(record, options)),
            ignoring(options.ignore),
          ),
        ),
      prune: here(
        Effect.flatMap(select({ _tag: "All" }), (selected) =>
          work(selected, (record) => removePod(record, { force: true, timeSeconds: 0 }), hasEnded),
        ).pipe(Effect.catchTag("NoPods", () => Effect.succeed([]))),
      ),
      top: (ref, descriptors) => here(topPod(ref, descriptors)),
    })
  }),
)

interface Selected {
  readonly input: string
  readonly found: Result.Result<PodRecord, PodNotFound | PodAmbiguous | HostFailure>
}

/** Pods in the caller's order; all, the oldest first; or the one created last. */
const select = Effect.fnUntraced(function* (
  selection: PodSelection,
): Effect.fn.Return<ReadonlyArray<Selected>, HostFailure | NoPods, Pods> {
  const pods = yield* Pods
  const known = (record: PodRecord): Selected => ({ input: record.config.id, found: Result.succeed(record) })
  switch (selection._tag) {
    case "All":
      return (yield* pods.list).toReversed().map(known)
    case "Latest":
      return [known(yield* pods.latest)]
    case "Names":
      return yield* Effect.forEach(selection.names, (input) =>
        Effect.map(Effect.result(pods.find(input)), (found) => ({ input, found })),
      )
  }
})

/** Lock each selected pod in turn and work on it, if it is one for that; every input that is gets its item. */
const work = Effect.fnUntraced(function* <E extends PodFailure>(
  selected: ReadonlyArray<Selected>,
  operation: (record: PodRecord) => Effect.Effect<void, E, AllServices>,
  eligible: (record: PodRecord) => Effect.Effect<boolean, HostFailure, AllServices>,
) {
  const items: Array<Item<PodReport, PodFailure>> = []
  for (const { found, input } of selected) {
    const result: Result.Result<PodReport | undefined, PodFailure> = yield* Effect.result(
      Effect.flatMap(Effect.fromResult(found), ({ config }) =>
        withinPod(config.id, (record) =>
          Effect.gen(function* () {
            if (!(yield* eligible(record))) return undefined
            yield* operation(record)
            return { Id: config.id, Name: config.name }
          }),
        ),
      ),
    )
    if (Result.isFailure(result)) items.push({ input, result: Result.fail(result.failure) })
    else if (result.success !== undefined) items.push({ input, result: Result.succeed(result.success) })
  }
  return items
})

const each = <E extends PodFailure>(
  selection: PodSelection,
  operation: (record: PodRecord) => Effect.Effect<void, E, AllServices>,
) => Effect.flatMap(select(selection), (selected) => work(selected, operation, () => Effect.succeed(true)))

const statusIs =
  (...wanted: ReadonlyArray<string>) =>
  ({ config }: PodRecord) =>
    Effect.map(membersOf(config.id), (members) => wanted.includes(statusOf(members)))

/** Something in it may be paused. */
const waits = statusIs("Paused", "Degraded")
const hasEnded = statusIs("Exited", "Stopped")

/** Pods that are not there are no items when missing ones are to be ignored. */
const ignoring =
  (ignore: boolean) =>
  <A, E>(items: ReadonlyArray<Item<A, E>>): ReadonlyArray<Item<A, E>> =>
    ignore ? items.filter(({ result }) => Result.isSuccess(result) || !(result.failure instanceof PodNotFound)) : items
