/**
 * Put a container right whose last operation died: killed, out of memory, power cut.
 *
 * The record names the operation that had begun; what it left on disk and in the kernel tells how far it came. The
 * rule is that of the operations themselves: a container that ran goes on or is restorable, one that was being made
 * is gone.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { completeDumpFiles, inventory } from "@cryopod/checkpoint"
import { CheckpointMissing, ContainerNotFound, type HostFailure } from "@cryopod/entities"
import { attemptSync, type ContainerPaths, Layout, readOr } from "@cryopod/host"
import {
  bootId,
  type ContainerRecord,
  Containers,
  type ContainerState,
  OciRuntime,
  processStart,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { EngineServices } from "../EngineServices.ts"
import { keepVolumes } from "../volume/containerVolumes.ts"
import { erase } from "./erase.ts"
import { releasePackets } from "../network/releasePackets.ts"
import { finishStopped } from "./finish.ts"

/** The caller holds the container's lock. Fails with ContainerNotFound when the repair was to remove it. */
export const repair = Effect.fn("Container.repair")(function* (
  record: ContainerRecord,
): Effect.fn.Return<ContainerRecord, HostFailure | ContainerNotFound, EngineServices> {
  const { operation } = record.state
  switch (operation) {
    case undefined:
      return record
    case "create":
    case "import":
    case "remove":
      if (operation === "import" && (yield* reallyRuns(record))) {
        yield* keepVolumes(record)
        return yield* adopt(record)
      }
      yield* erase(record)
      return yield* new ContainerNotFound({ ref: record.id })
    case "start":
      if (yield* reallyRuns(record)) return yield* adopt(record)
      yield* finishStopped(record)
      return yield* finished(record, {})
    case "restore":
      if (yield* reallyRuns(record)) return yield* adopt(record)
      yield* finishStopped(record)
      return yield* finished(record, { status: "exited" })
    default:
      return yield* repairCheckpoint(record)
  }
})

/** A checkpoint may have died before, during or after the dump; the dump itself may still be going on. */
const repairCheckpoint = Effect.fnUntraced(function* (record: ContainerRecord) {
  const runtime = yield* OciRuntime
  const paths = (yield* Layout).container(record.id)
  yield* dumpEnded(paths)
  const status = yield* runtime.status(record.config.runtime, record.id)
  if (status === "paused") yield* Effect.ignore(runtime.resume(record.config.runtime, record.id))
  if (yield* reallyRuns(record)) return yield* adopt(record)
  const restorable = yield* hasCompleteDump(paths)
  yield* finishStopped(record)
  yield* releasePackets(record)
  return yield* finished(record, { status: "exited", checkpointed: restorable })
})

/** Wait for a runtime that dumps this container without anybody waiting for it. */
const dumpEnded = (paths: ContainerPaths) =>
  Effect.sync(() => dumpGoesOn(paths)).pipe(
    Effect.repeat({ while: (goesOn) => goesOn, schedule: Schedule.spaced("50 millis") }),
  )

const dumpGoesOn = (paths: ContainerPaths): boolean =>
  fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        const words = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
        return words.includes("checkpoint") && (words.includes(paths.checkpoint) || words.includes(paths.preCheckpoint))
      } catch {
        return false
      }
    })

/** Both files that a dump ends with are there. */
export const hasCompleteDump = (paths: ContainerPaths) =>
  attemptSync("look at", paths.checkpoint, () =>
    completeDumpFiles.every((name) => fs.existsSync(join(paths.checkpoint, name))),
  )

/** Without one, there is nothing to restore or to look into. */
export const requireCompleteDump = Effect.fnUntraced(function* (id: string, paths: ContainerPaths) {
  if (yield* hasCompleteDump(paths)) return
  return yield* new CheckpointMissing({ id, path: join(paths.checkpoint, inventory) })
})

const reallyRuns = Effect.fnUntraced(function* (record: ContainerRecord) {
  const status = yield* (yield* OciRuntime).status(record.config.runtime, record.id)
  return status === "running"
})

/** The container runs although nobody wrote it down. */
const adopt = Effect.fnUntraced(function* (record: ContainerRecord) {
  const paths = (yield* Layout).container(record.id)
  const pid = readNumber(paths.pidFile)
  return yield* (yield* Containers).update(record.id, ({ operation: _, ...state }) => ({
    ...state,
    ...runningState(pid, readNumber(paths.conmonPidFile)),
    startedAt: state.startedAt ?? new Date(fs.statSync(paths.pidFile).mtimeMs).toISOString(),
  }))
})

/** The part of a state that says that the container runs, in this boot, as this process. */
export const runningState = (pid: number, conmonPid: number) => ({
  status: "running" as const,
  pid,
  pidStart: processStart(pid) ?? "",
  conmonPid,
  bootId: bootId(),
  checkpointed: false,
})

const finished = Effect.fnUntraced(function* (record: ContainerRecord, change: Partial<ContainerState>) {
  return yield* (yield* Containers).update(record.id, ({ operation: _, ...state }) => ({
    ...state,
    ...(state.status === "running" || state.status === "paused" ? { status: "exited" as const } : {}),
    pid: 0,
    conmonPid: 0,
    ...change,
  }))
})

const readNumber = (path: string) => Number(readOr(path, "0"))
