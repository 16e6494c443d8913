/** A restored container runs: write it down, and put away what the restore needed. */
import * as fs from "node:fs"
import { join } from "node:path"
import { checkpointMembers } from "@cryopod/checkpoint"
import type { ContainerNotFound, HostFailure, RestoreOptions } from "@cryopod/entities"
import { Layout, removeTree } from "@cryopod/host"
import { type ContainerRecord, Containers, type ContainerState } from "@cryopod/runtime"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { AllServices } from "../EngineServices.ts"
import { beginHealth } from "../health/healthTimer.ts"
import { type Running, restoreStatisticsFile } from "./run.ts"

/** The checkpoint in the bundle is used up by this unless it is to be kept: the container has moved on from it. */
export const settleRestored = Effect.fn("restore.settle")(function* (
  record: ContainerRecord,
  running: Running,
  options: Pick<RestoreOptions, "keep">,
): Effect.fn.Return<void, HostFailure | ContainerNotFound, AllServices> {
  const paths = (yield* Layout).container(record.id)
  const at = DateTime.formatIso(yield* DateTime.now)
  yield* (yield* Containers).update(record.id, ({ operation: _, ...state }): ContainerState => {
    const {
      checkpointLog: log,
      checkpointPath: path,
      checkpointedAt,
      preCheckpoint,
      startError: _failed,
      stoppedByUser: _stopped,
      ...rest
    } = state
    // an import has brought it along
    const kept = path ?? (fs.existsSync(paths.checkpoint) ? paths.checkpoint : undefined)
    return {
      ...rest,
      ...running.state,
      exitCode: 0,
      startedAt: state.startedAt ?? at,
      restored: true,
      restoredAt: at,
      ...(checkpointedAt === undefined ? {} : { checkpointedAt }),
      ...(options.keep
        ? {
            ...(kept === undefined ? {} : { checkpointPath: kept }),
            ...(log === undefined ? {} : { checkpointLog: log }),
            ...(preCheckpoint === undefined ? {} : { preCheckpoint }),
            restoreLog: paths.restoreLog,
          }
        : {}),
    }
  })
  yield* beginHealth(record, "restore")
  if (options.keep) return
  for (const path of [
    paths.checkpoint,
    paths.preCheckpoint,
    paths.dumpLog,
    paths.restoreLog,
    paths.networkStatus,
    join(paths.userdata, checkpointMembers.shm.name),
    join(paths.userdata, restoreStatisticsFile),
    join(paths.userdata, checkpointMembers.dumpStatistics.name),
  ]) {
    yield* removeTree(path)
  }
})
