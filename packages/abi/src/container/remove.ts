/** Remove a container with all it has. */
import { ContainerStateImproper } from "@cryopod/entities"
import { type ContainerRecord, Containers, isActive } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { erase } from "./erase.ts"
import { killed, stop } from "./stop.ts"

/** The caller holds the lock. */
export const remove = Effect.fn("Container.remove")(function* (
  record: ContainerRecord,
  options: { readonly force: boolean; readonly timeSeconds: number },
) {
  const { id, state } = record
  if (isActive(state)) {
    if (!options.force) return yield* new ContainerStateImproper({ id, state: state.status, operation: "remove" })
    if (state.status === "paused") yield* killed(record)
    else yield* stop(record, options.timeSeconds)
  }
  yield* (yield* Containers).update(id, (before) => ({ ...before, operation: "remove" }))
  yield* erase(record)
  return id
})
