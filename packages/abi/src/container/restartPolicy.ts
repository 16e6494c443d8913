/** What a container's restart policy says when it has ended (libpod `container_internal.go`, shouldRestart). */
import { noRestart, restartsAgain } from "@cryopod/entities"
import { type ContainerRecord, Containers, type ContainerState } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { start } from "./start.ts"

/**
 * Start the container again if it is to be. False when it has ended for good: by its user's will, by a checkpoint, or because
 * its policy has nothing more to say. The caller holds the lock, and has seen that it does not run.
 */
export const restarted = Effect.fn("Container.restarted")(function* (record: ContainerRecord) {
  if (!awaitsRestart(record)) return false
  yield* start(record)
  const { id, state } = record
  yield* (yield* Containers).update(id, (now) => ({ ...now, restartCount: restartsOf(state) + 1 }))
  return true
})

/** Whether the container has ended and its policy starts it again, in a moment or as soon as that can be. */
export const awaitsRestart = ({ config, state }: ContainerRecord): boolean =>
  state.status === "exited" &&
  state.stoppedByUser !== true &&
  !state.checkpointed &&
  restartsAgain(config.restartPolicy ?? noRestart, { exitCode: state.exitCode, restarts: restartsOf(state) })

const restartsOf = ({ restartCount = 0 }: ContainerState) => restartCount
