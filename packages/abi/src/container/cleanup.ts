/**
 * What conmon asks for when a container has ended: bring its record in order, start it again if its policy says so, and
 * remove it if that was wished.
 */
import { type ContainerRecord, isActive } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { followExitPolicy } from "../pod/exitPolicy.ts"
import { erase } from "./erase.ts"
import { restarted } from "./restartPolicy.ts"

/** The caller holds the lock; getting there has taken the ended container down already. */
export const cleanup = Effect.fn("Container.cleanup")(function* (record: ContainerRecord) {
  if (isActive(record.state) || record.state.status === "created") return
  // nobody is there to be told why it could not be started: it stays as it ended
  if (yield* restarted(record).pipe(Effect.orElseSucceed(() => false))) return
  yield* followExitPolicy(record)
  if (record.config.autoRemove) yield* erase(record)
})
