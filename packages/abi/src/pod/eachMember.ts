/** One operation on the containers of a pod. */
import { ContainerNotFound, ContainerStateImproper, type PodFailure, PodPartlyFailed } from "@cryopod/entities"
import type { ContainerRecord } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { within } from "../container/ContainerScope.ts"
import type { AllServices } from "../EngineServices.ts"

export interface MemberOperation<E> {
  /** `stopping`, in the failure that names the containers. */
  readonly name: string
  readonly work: (record: ContainerRecord) => Effect.Effect<unknown, E, AllServices>
  /** How many containers at once. */
  readonly concurrency: number
}

/**
 * Lock each container and work on it; what becomes of one does not matter to the others. One that is gone, or not in
 * a state for this, is left out, as libpod does.
 */
export const eachMember = <E extends PodFailure>(
  members: ReadonlyArray<ContainerRecord>,
  { concurrency, name, work }: MemberOperation<E>,
): Effect.Effect<void, PodPartlyFailed, AllServices> =>
  Effect.gen(function* () {
    const results = yield* Effect.forEach(
      members,
      ({ id }) => Effect.map(Effect.result(within(id, work)), (result) => ({ id, result })),
      { concurrency },
    )
    const failures = results.flatMap(({ id, result }) => {
      if (Result.isSuccess(result)) return []
      const { failure } = result
      return failure instanceof ContainerStateImproper || failure instanceof ContainerNotFound
        ? []
        : [{ id, reason: failure.message }]
    })
    if (failures.length > 0) return yield* new PodPartlyFailed({ operation: name, failures })
  })
