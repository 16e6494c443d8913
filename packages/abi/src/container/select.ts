/** From a selection to containers, and from containers to one item each. */
import type {
  ContainerAmbiguous,
  ContainerNotFound,
  ContainerSelection,
  DatabaseFailed,
  Item,
  NoContainers,
} from "@cryopod/entities"
import { type ContainerRecord, Containers } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

/** One container of a selection, or the reason why the input leads to none. */
export interface Selected {
  readonly input: string
  readonly found: Result.Result<ContainerRecord, ContainerNotFound | ContainerAmbiguous | DatabaseFailed>
}

/** Containers in the caller's order, or all that are eligible, the newest last, or the one created last. */
export const select = Effect.fnUntraced(function* (
  selection: ContainerSelection,
  eligible: (record: ContainerRecord) => boolean,
): Effect.fn.Return<ReadonlyArray<Selected>, DatabaseFailed | NoContainers, Containers> {
  const containers = yield* Containers
  switch (selection._tag) {
    case "All": {
      const all = yield* containers.list
      return all.filter(eligible).toReversed().map(known)
    }
    case "Latest":
      return [known(yield* containers.latest)]
    case "Names":
      return yield* Effect.forEach(selection.names, (input) =>
        Effect.map(Effect.result(containers.find(input)), (found) => ({ input, found })),
      )
  }
})

const known = (record: ContainerRecord): Selected => ({ input: record.id, found: Result.succeed(record) })

/**
 * Work on each selected container; every input gets its item, in order, whatever becomes of the others. `concurrency`
 * bounds how many are worked on at once.
 */
export const eachSelected = <A, E, R>(
  selected: ReadonlyArray<Selected>,
  work: (record: ContainerRecord) => Effect.Effect<A, E, R>,
  options: { readonly concurrency: number } = { concurrency: 1 },
): Effect.Effect<ReadonlyArray<Item<A, E | Result.Result.Failure<Selected["found"]>>>, never, R> =>
  Effect.forEach(
    selected,
    ({ found, input }) =>
      Effect.map(Effect.result(Effect.flatMap(Effect.fromResult(found), work)), (result) => ({ input, result })),
    options,
  )
