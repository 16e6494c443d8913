/** Wait for containers to stop. */
import type { ContainerNotFound, HostFailure } from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import { type ContainerRecord, Containers, isActive } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { EngineServices } from "../EngineServices.ts"
import { within } from "./ContainerScope.ts"
import { observe } from "./observe.ts"

/** The exit code of a container, once it has one. Looks without a lock: others may stop or remove it meanwhile. */
export const exitCodeOf = Effect.fn("Container.wait")(function* (
  record: ContainerRecord,
  intervalMillis: number,
): Effect.fn.Return<number, ContainerNotFound | HostFailure, EngineServices> {
  const containers = yield* Containers
  const paths = (yield* Layout).container(record.id)
  const look = Effect.map(containers.get(record.id), ({ state }) => observe(state, paths)).pipe(
    // removed as soon as it had stopped (`--rm`)
    Effect.catchTag("ContainerNotFound", () =>
      Effect.map(containers.exitCode(record.id), (exitCode = last.exitCode) => ({
        ...last,
        status: "exited" as const,
        exitCode,
      })),
    ),
    Effect.tap((state) => Effect.sync(() => void (last = state))),
  )
  let last = record.state
  const state = yield* look.pipe(
    Effect.repeat({
      while: (seen) => isActive(seen) || seen.status === "created",
      schedule: Schedule.spaced(`${intervalMillis} millis`),
    }),
  )
  if (state.operation !== "checkpoint") return state.exitCode
  // the end that a checkpoint brings is none of a killed process, unless it fails: who holds the lock next knows
  const settled = yield* within(record.id, Effect.succeed).pipe(
    Effect.catchTag("ContainerNotFound", () => Effect.succeed(undefined)),
  )
  if (settled === undefined) return 0
  return isActive(settled.state) ? yield* exitCodeOf(settled, intervalMillis) : settled.state.exitCode
})
