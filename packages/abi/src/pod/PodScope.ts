/**
 * One pod, locked, and gone if the command that made or removed it died in the middle.
 *
 * Whatever changes which containers a pod has runs inside `withinPod`. The pod's lock is taken before those of its
 * containers, never while one of them is held.
 */
import type { HostFailure } from "@cryopod/entities"
import { PodNotFound } from "@cryopod/entities"
import { holdLock, Layout } from "@cryopod/host"
import { type PodRecord, Pods } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type { EngineServices } from "../EngineServices.ts"
import { erasePod } from "./erasePod.ts"

export const withinPod = <A, E, R>(
  id: string,
  operation: (record: PodRecord) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E | PodNotFound | HostFailure, R | EngineServices> =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* holdLock((yield* Layout).podLock(id))
      const record = yield* (yield* Pods).get(id)
      if (record.operation === undefined) return yield* operation(record)
      yield* erasePod(record)
      return yield* new PodNotFound({ ref: id })
    }),
  )

/** Look a pod up by name or id, then run the operation. */
export const withinPodRef = Effect.fnUntraced(function* <A, E, R>(
  ref: string,
  operation: (record: PodRecord) => Effect.Effect<A, E, R>,
) {
  const { config } = yield* (yield* Pods).find(ref)
  return yield* withinPod(config.id, operation)
})

/** Take away what dead commands left of pods, so that it takes nobody's name. Waits for commands that live. */
export const repairAbandonedPods = Effect.fnUntraced(function* (concerned: (record: PodRecord) => boolean) {
  const begun = (yield* (yield* Pods).list).filter((record) => record.operation !== undefined && concerned(record))
  for (const { config } of begun) {
    yield* withinPod(config.id, () => Effect.void).pipe(Effect.catchTag("PodNotFound", () => Effect.void))
  }
})
