/** Wait for containers to stop. */
import { Layout } from "@cryopod/host"
import { type ContainerRecord, Containers, isActive } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { observe } from "./observe.ts"

/** The exit code of a container, once it has one. Looks without a lock: others may stop or remove it meanwhile. */
export const exitCodeOf = Effect.fn("Container.wait")(function* (record: ContainerRecord, intervalMillis: number) {
  const containers = yield* Containers
  const paths = (yield* Layout).container(record.id)
  const look = Effect.map(containers.get(record.id), ({ state }) => observe(state, paths)).pipe(
    // removed as soon as it had stopped (`--rm`): what was seen last is the answer
    Effect.catchTag("ContainerNotFound", () => Effect.succeed({ ...last, status: "exited" as const })),
    Effect.tap((state) => Effect.sync(() => void (last = state))),
  )
  let last = record.state
  const state = yield* look.pipe(
    Effect.repeat({
      while: (seen) => isActive(seen) || seen.status === "created",
      schedule: Schedule.spaced(`${intervalMillis} millis`),
    }),
  )
  return state.exitCode
})
