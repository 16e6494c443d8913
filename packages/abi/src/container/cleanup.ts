/** What conmon asks for when a container has ended: bring its record in order, and remove it if that was wished. */
import { type ContainerRecord, isActive } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { followExitPolicy } from "../pod/exitPolicy.ts"
import { erase } from "./erase.ts"

/** The caller holds the lock; getting there has taken the ended container down already. */
export const cleanup = Effect.fn("Container.cleanup")(function* (record: ContainerRecord) {
  if (isActive(record.state) || record.state.status === "created") return
  yield* followExitPolicy(record)
  if (record.config.autoRemove) yield* erase(record)
})
