/**
 * `container checkpoint`, as a whole:
 *
 *   preflight → freeze → dump → collect → commit → settle → report
 *                      ↘ take ↗ ↘      forget      ↗
 *
 * Whatever can be refused is refused before the container is touched. From the freeze on nothing is given up: a step
 * that fails, or is interrupted, leaves the container running or restorable (`rescue`).
 *
 * The first of two rounds takes the memory alone, of a container that runs on (`preCheckpoint`); the second is a checkpoint
 * like any other that leaves out what has not changed since.
 */
import {
  type CheckpointFailure,
  CheckpointAborted,
  type CheckpointOptions,
  type CheckpointReport,
  type ContainerSelection,
  type HostFailure,
  type Items,
  MemoryTrackingMissing,
  type NoContainers,
  sharedTarget,
  type TargetShared,
} from "@cryopod/entities"
import type { ContainerRecord } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { attendEnd } from "../container/attendEnd.ts"
import { within } from "../container/ContainerScope.ts"
import { eachSelected, select, type Selected } from "../container/select.ts"
import type { AllServices } from "../EngineServices.ts"
import { requireRoot } from "../system/privilege.ts"
import { Probes } from "../system/Probes.ts"
import { criuCheck } from "../system/ToolFindings.ts"
import { besides } from "./besides.ts"
import { collect } from "./collect.ts"
import { commit } from "./commit.ts"
import { dump, makeRoom } from "./dump.ts"
import { freeze, thaw } from "./freeze.ts"
import { preCheckpoint } from "./preCheckpoint.ts"
import { type Plan, preflight } from "./preflight.ts"
import { reasonOf } from "./reasonOf.ts"
import { rescue } from "./rescue.ts"
import { beginForgetting, type Forgotten, settle } from "./settle.ts"
import { beginTaking, letGo } from "./take.ts"
import { watchingUnit } from "./watchingUnit.ts"

export const checkpoint = Effect.fn("ContainerEngine.checkpoint")(function* (
  selection: ContainerSelection,
  options: CheckpointOptions,
): Effect.fn.Return<
  Items<CheckpointReport, CheckpointFailure>,
  HostFailure | NoContainers | TargetShared,
  AllServices
> {
  yield* requireRoot("checkpoint")
  const selected = yield* select(selection, ({ config, state }) => state.status === "running" && config.infra !== true)
  yield* refuseSharedTarget(selected, options)
  const rounds = yield* Effect.result(refuseRounds(options))
  // asked here once: the answer is the same for every container
  const criu = yield* Effect.result((yield* Probes).criu)
  return yield* eachSelected(selected, ({ id }) =>
    Effect.andThen(
      Effect.andThen(Effect.fromResult(criu), Effect.fromResult(rounds)),
      within(id, (record) => checkpointOne(record, options)),
    ),
  )
})

/** The caller holds the container's lock. */
const checkpointOne = (record: ContainerRecord, options: CheckpointOptions) =>
  Effect.scoped(
    Effect.gen(function* () {
      const plan = yield* preflight(record, options)
      if (options.phase === "preCheckpoint") return report(plan, yield* preCheckpoint(plan), [])
      const whole = Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const { paused, since } = yield* freeze(plan)
          const lost = yield* besides(plan).pipe(Effect.onError(() => thaw(plan)))
          const taking = yield* beginTaking(plan, paused)
          // CRIU puts the processes back by itself when a dump fails, and must not be stopped halfway
          const dumped = yield* Effect.andThen(makeRoom(plan), dump(plan, since)).pipe(
            Effect.catchCause((cause) => letGo(plan, taking, cause)),
          )
          const forgotten = yield* beginForgetting(plan)
          const guarded = guardedBy(plan, forgotten)
          const kept = yield* guarded("collect", restore(collect(plan, taking.files)))
          if (options.leaveRunning) yield* thaw(plan)
          yield* guarded("commit", restore(commit(plan, kept)))
          yield* guarded("settle", settle(plan, forgotten))
          return report(plan, dumped, [...lost, ...watchingUnit(plan)])
        }),
      )
      return yield* options.leaveRunning ? whole : attendEnd(record, whole)
    }),
  )

/** A step after the dump: its failure becomes the container's rescue and an error that says how that went. */
const guardedBy =
  (plan: Plan, forgotten: Forgotten) =>
  <A, E extends { readonly message: string }, R>(step: CheckpointAborted["step"], work: Effect.Effect<A, E, R>) =>
    work.pipe(
      Effect.catchCause((cause) =>
        // a runtime must not bring back what it still lets go of
        Effect.andThen(
          Effect.exit(forgotten),
          Effect.flatMap(rescue(plan), (aftermath) =>
            Effect.fail(new CheckpointAborted({ id: plan.record.id, step, reason: reasonOf(cause), ...aftermath })),
          ),
        ),
      ),
    )

const report = (
  { mounts, record }: Plan,
  dumped: Effect.Success<ReturnType<typeof dump>>,
  lost: ReadonlyArray<string>,
): CheckpointReport => ({
  Id: record.id,
  runtime_checkpoint_duration: dumped.runtimeMicros,
  criu_statistics: dumped.statistics,
  warnings: [...mounts.warnings, ...lost],
})

/** Checkpoints in several rounds need a kernel that tracks memory. */
export const refuseRounds = Effect.fnUntraced(function* ({ phase }: CheckpointOptions) {
  if (phase === "full") return
  const tracking = yield* criuCheck("mem_dirty_track")
  if (tracking?.exitCode !== 0) return yield* new MemoryTrackingMissing()
})

/** Podman lets the last of several containers overwrite the image of the others; here nothing is frozen then. */
const refuseSharedTarget = (selected: ReadonlyArray<Selected>, { target }: CheckpointOptions) => {
  const ids = selected.flatMap(({ found }) => (Result.isSuccess(found) ? [found.success.id] : []))
  const shared = sharedTarget(target, ids)
  return shared === undefined ? Effect.void : Effect.fail(shared)
}
