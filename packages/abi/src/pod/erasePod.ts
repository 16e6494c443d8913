/** Remove every trace of a pod. */
import { type HostFailure, isHostFailure } from "@cryopod/entities"
import { dropLock, Layout } from "@cryopod/host"
import { type PodRecord, Pods } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { within } from "../container/ContainerScope.ts"
import { removeAlone } from "../container/remove.ts"
import type { EngineServices } from "../EngineServices.ts"
import { membersOf } from "./members.ts"

/**
 * The infra container is the oldest and goes after those that need it; the pod's own record goes last, so that a
 * removal that is interrupted can be taken up again. The caller holds the pod's lock.
 */
export const erasePod = Effect.fnUntraced(function* (
  { config: { id } }: PodRecord,
  options: { readonly timeSeconds: number } = { timeSeconds: 0 },
): Effect.fn.Return<void, HostFailure, EngineServices> {
  for (const member of yield* membersOf(id)) {
    yield* within(member.id, (record) => removeAlone(record, { force: true, ...options })).pipe(
      Effect.catchTag("ContainerNotFound", () => Effect.void),
      // a removal by force is not refused
      Effect.catchIf((failure): failure is Exclude<typeof failure, HostFailure> => !isHostFailure(failure), Effect.die),
    )
  }
  yield* (yield* Pods).remove(id)
  yield* dropLock((yield* Layout).podLock(id))
})
