/** End a container's processes: ask, wait, kill. */
import type { ContainerFailure } from "@cryopod/entities"
import { ContainerStateImproper } from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import { type ContainerRecord, Containers, isActive, OciRuntime } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { EngineServices } from "../EngineServices.ts"
import { attendEnd } from "./attendEnd.ts"
import { finishStopped } from "./finish.ts"
import { observe, readExit } from "./observe.ts"
import { awaitsRestart } from "./restartPolicy.ts"
import { stoppedByUser } from "./signal.ts"

const sigkill = 9

/** Whether there is something to stop: a process, or a policy that is about to start another. */
export const stoppable = (record: ContainerRecord): boolean =>
  record.state.status === "running" || awaitsRestart(record)

/**
 * The caller holds the lock. Below zero, `timeSeconds` means the container's own stop timeout. One that stands between two
 * runs of its restart policy is not started again; Podman does not hear of the wish then, and goes on.
 */
export const stop = Effect.fn("Container.stop")(function* (
  record: ContainerRecord,
  timeSeconds: number,
): Effect.fn.Return<string, ContainerFailure, EngineServices> {
  const { config, id, state } = record
  if (state.status === "paused") return yield* new ContainerStateImproper({ id, state: "paused", operation: "stop" })
  if (!stoppable(record)) return id
  yield* stoppedByUser(id)
  if (state.status !== "running") return id
  const patience = timeSeconds < 0 ? config.stopTimeoutSeconds : timeSeconds
  return yield* attendEnd(
    record,
    Effect.gen(function* () {
      if (patience > 0) {
        yield* signalled(record, config.stopSignal, "main")
        const exited = yield* Effect.timeoutOption(exit(record), `${patience} seconds`)
        if (Option.isSome(exited)) return yield* stopped(record)
      }
      return yield* killed(record)
    }),
  )
})

/** Kill all processes of a container, paused or not, and take it down. */
export const killed = Effect.fnUntraced(function* (record: ContainerRecord) {
  if (record.state.status === "paused")
    yield* Effect.ignore((yield* OciRuntime).resume(record.config.runtime, record.id))
  yield* stoppedByUser(record.id)
  yield* signalled(record, sigkill, "main")
  yield* exit(record)
  return yield* stopped(record)
})

const stopped = Effect.fnUntraced(function* (record: ContainerRecord) {
  const paths = (yield* Layout).container(record.id)
  const updated = yield* (yield* Containers).update(record.id, (state) => observe(state, paths))
  yield* finishStopped(updated)
  return record.id
})

/** A container that ends by itself in the meantime has got what the signal was to bring. */
const signalled = Effect.fnUntraced(function* (record: ContainerRecord, signal: number, whom: "main" | "all") {
  const runtime = yield* OciRuntime
  const paths = (yield* Layout).container(record.id)
  yield* runtime
    .kill(record.config.runtime, record.id, signal, whom)
    .pipe(
      Effect.catchTag("ToolFailed", (failure) =>
        isActive(observe(record.state, paths)) ? Effect.fail(failure) : Effect.void,
      ),
    )
})

/** Wait until conmon has written the exit code, or is gone. */
const exit = Effect.fnUntraced(function* (record: ContainerRecord) {
  const paths = (yield* Layout).container(record.id)
  yield* Effect.sync(() => readExit(paths) === undefined && isActive(observe(record.state, paths))).pipe(
    Effect.repeat({ while: (waits) => waits, schedule: Schedule.spaced("10 millis") }),
  )
})
