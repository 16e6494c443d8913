/**
 * Stand still and go on.
 *
 * A container that is to run on is paused before the dump and stays so until its files are taken: memory and files
 * are of one instant. One that ends with the dump would need no pause, since nothing of it moves afterwards; but CRIU, which
 * would freeze it, looks whether it stands still at once and then every tenth of a second, and a runtime at once when it does.
 */
import type { ContainerNotFound, HostFailure } from "@cryopod/entities"
import { cgroupLayout, Containers, OciRuntime } from "@cryopod/runtime"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { writeCriuConfiguration } from "../container/bundle.ts"
import type { EngineServices } from "../EngineServices.ts"
import { packetLock } from "./packetLock.ts"
import type { Plan } from "./preflight.ts"

export interface Frozen {
  /** When it began to stand still, in nanoseconds. */
  readonly since: bigint
  /** Otherwise CRIU freezes it: only when its dump is done does it stand still. */
  readonly paused: boolean
}

export const freeze = Effect.fn("checkpoint.freeze")(function* (
  plan: Plan,
): Effect.fn.Return<Frozen, HostFailure | ContainerNotFound, EngineServices> {
  const { cgroups, options, paths, record } = plan
  const networkLock = yield* packetLock(record, options)
  const criu = { ...options, ...(networkLock === undefined ? {} : { networkLock }) }
  yield* writeCriuConfiguration(paths, record.config.runtime, { tcp: "refuse", cgroups, criu })
  const { extUnixSk, phase, shellJob } = options
  yield* (yield* Containers).update(record.id, (state) => ({
    ...state,
    operation: "checkpoint",
    ...(phase === "preCheckpoint" ? {} : { checkpointNeeds: { extUnixSk, shellJob } }),
  }))
  const since = yield* Clock.currentTimeNanos
  return { since, paused: isPaused(plan) && (yield* pause(plan)) }
})

/** Where memory and files must be of one instant it has to succeed; elsewhere CRIU freezes what does not stand still. */
const pause = Effect.fnUntraced(function* ({ options, record }: Plan) {
  const pausing = (yield* OciRuntime).pause(record.config.runtime, record.id)
  const paused = Effect.as(pausing, true)
  return yield* options.leaveRunning ? paused : Effect.orElseSucceed(paused, () => false)
})

/** CRIU's own freezing does for a round that takes the memory alone, and where processes are thawed to be killed (v1). */
const isPaused = ({ options: { leaveRunning, phase } }: Plan): boolean =>
  leaveRunning || (phase !== "preCheckpoint" && cgroupLayout() === "v2")

/** Let the container go on, paused or not, and forget that an operation was under way. Never fails: it is the way out. */
export const thaw = Effect.fn("checkpoint.thaw")(function* (plan: Plan) {
  const { record } = plan
  if (isPaused(plan)) yield* Effect.ignore((yield* OciRuntime).resume(record.config.runtime, record.id))
  yield* Effect.ignore(
    (yield* Containers).update(record.id, ({ operation: _, ...state }) => ({ ...state, status: "running" as const })),
  )
})
