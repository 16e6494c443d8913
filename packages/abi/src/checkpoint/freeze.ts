/**
 * Stand still and go on.
 *
 * A container that is to run on is paused before the dump and stays so until its files are taken: memory and files
 * are of one instant. One that ends with the dump needs no pause, since nothing of it moves afterwards.
 */
import { Containers, OciRuntime } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { writeCriuConfiguration } from "../container/bundle.ts"
import type { Plan } from "./preflight.ts"

export const freeze = Effect.fn("checkpoint.freeze")(function* ({ cgroups, options, paths, record }: Plan) {
  yield* writeCriuConfiguration(paths, record.config.runtime, { tcp: "refuse", cgroups, criu: options })
  const { extUnixSk, phase, shellJob } = options
  yield* (yield* Containers).update(record.id, (state) => ({
    ...state,
    operation: "checkpoint",
    ...(phase === "preCheckpoint" ? {} : { checkpointNeeds: { extUnixSk, shellJob } }),
  }))
  if (options.leaveRunning) yield* (yield* OciRuntime).pause(record.config.runtime, record.id)
})

/** Let the container go on, paused or not, and forget that an operation was under way. Never fails: it is the way out. */
export const thaw = Effect.fn("checkpoint.thaw")(function* ({ options, record }: Plan) {
  if (options.leaveRunning) yield* Effect.ignore((yield* OciRuntime).resume(record.config.runtime, record.id))
  yield* Effect.ignore(
    (yield* Containers).update(record.id, ({ operation: _, ...state }) => ({ ...state, status: "running" as const })),
  )
})
