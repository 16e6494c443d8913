/** Remove a pod with all its containers. */
import { PodContainersRunning } from "@cryopod/entities"
import { isActive, type PodRecord, Pods } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { erasePod } from "./erasePod.ts"
import { membersOf } from "./members.ts"

/** The caller holds the pod's lock. Without `force`, what runs is refused before anything is removed. */
export const removePod = Effect.fn("Pod.remove")(function* (
  record: PodRecord,
  options: { readonly force: boolean; readonly timeSeconds: number },
) {
  const { id, infraId } = record.config
  const running = (yield* membersOf(id)).filter((member) => isActive(member.state) && member.id !== infraId)
  if (running.length > 0 && !options.force) {
    return yield* new PodContainersRunning({
      pod: id,
      containers: running.map((member) => ({ id: member.id, state: member.state.status })),
    })
  }
  yield* (yield* Pods).mark(id, "remove")
  yield* erasePod(record, options)
})
