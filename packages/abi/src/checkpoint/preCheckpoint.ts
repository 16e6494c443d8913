/**
 * The first round of a checkpoint in two: CRIU takes the memory and lets the processes go on. What it wrote stays in the
 * bundle, for the second round to build on, and goes into an archive as well when one is wanted.
 */
import { CheckpointAborted, type CheckpointFailure } from "@cryopod/entities"
import { type ContainerRecord, Containers, type ContainerState } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { AllServices } from "../EngineServices.ts"
import { collectMemory } from "./collect.ts"
import { commit } from "./commit.ts"
import { dump, type Dumped, makeRoom } from "./dump.ts"
import { freeze, thaw } from "./freeze.ts"
import type { Plan } from "./preflight.ts"
import { settle } from "./settle.ts"

/** The container runs on, whatever becomes of this. */
export const preCheckpoint = Effect.fn("checkpoint.preCheckpoint")(function* (
  plan: Plan,
): Effect.fn.Return<Dumped, CheckpointFailure, AllServices | Scope.Scope> {
  const dumped = yield* Effect.uninterruptible(
    Effect.flatMap(freeze(plan), ({ since }) => Effect.andThen(makeRoom(plan), dump(plan, since))).pipe(
      Effect.ensuring(thaw(plan)),
    ),
  )
  const { record, sink } = plan
  yield* remember(record, "kept")
  yield* collectMemory(plan).pipe(
    Effect.flatMap((members) => commit(plan, members)),
    Effect.mapError(
      ({ message }) => new CheckpointAborted({ id: record.id, step: "commit", reason: message, container: "running" }),
    ),
  )
  if (sink._tag !== "Container") yield* remember(record, "exported")
  yield* settle(plan, Effect.void)
  return dumped
})

const remember = ({ id }: ContainerRecord, preCheckpoint: NonNullable<ContainerState["preCheckpoint"]>) =>
  Effect.flatMap(Containers, (containers) => containers.update(id, (state) => ({ ...state, preCheckpoint })))
