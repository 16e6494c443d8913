/** What a container's restart policy says when it has ended (libpod `container_internal.go`, shouldRestart). */
import { noRestart, restartsAgain } from "@cryopod/entities"
import { type ContainerRecord, Containers } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { start } from "./start.ts"

/**
 * Start the container again if it is to be. False when it has ended for good: by its user's will, by a checkpoint, or because
 * its policy has nothing more to say. The caller holds the lock, and has seen that it does not run.
 */
export const restarted = Effect.fn("Container.restarted")(function* (record: ContainerRecord) {
  const { config, id, state } = record
  if (state.stoppedByUser === true || state.checkpointed) return false
  const restarts = state.restartCount ?? 0
  if (!restartsAgain(config.restartPolicy ?? noRestart, { exitCode: state.exitCode, restarts })) return false
  yield* start(record)
  yield* (yield* Containers).update(id, (now) => ({ ...now, restartCount: restarts + 1 }))
  return true
})
