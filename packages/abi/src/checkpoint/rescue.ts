/**
 * What becomes of a container whose checkpoint could not be completed.
 *
 * One that was only paused goes on. One that has ended with the dump is restored in place from that very dump; its
 * root filesystem and shared memory are still mounted, so nothing is replayed. If even that fails, it is stopped and
 * keeps its checkpoint.
 */
import type { CheckpointAborted } from "@cryopod/entities"
import { removeTree } from "@cryopod/host"
import { bindPorts, Containers, OciRuntime } from "@cryopod/runtime"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { finishStopped } from "../container/finish.ts"
import type { AllServices } from "../EngineServices.ts"
import { runRestored } from "../restore/run.ts"
import { thaw } from "./freeze.ts"
import type { Plan } from "./preflight.ts"
import { reasonOf } from "./reasonOf.ts"
import { discardSink } from "./sink.ts"

type Outcome = Pick<CheckpointAborted, "container" | "obstacle">

/** Never fails and cannot be interrupted. */
export const rescue = Effect.fn("checkpoint.rescue")(function* (
  plan: Plan,
): Effect.fn.Return<Outcome, never, AllServices> {
  const { options, paths, record, sink } = plan
  // the restore needs a little of the disk that half-made files may have filled
  yield* discardSink(sink)
  if (options.leaveRunning) {
    yield* thaw(plan)
    return { container: "running" }
  }
  const revived = yield* Effect.exit(
    Effect.gen(function* () {
      yield* (yield* OciRuntime).delete(record.config.runtime, record.id)
      const running = yield* runRestored(record, {
        sockets: yield* bindPorts(record.config.ports ?? []),
        imagesDirectory: paths.checkpoint,
        namespaces: "same",
        tcp: options.tcpEstablished ? "keep" : "refuse",
        fileLocks: options.fileLocks,
        needs: options,
      })
      yield* (yield* Containers).update(record.id, ({ operation: _, ...state }) => ({ ...state, ...running.state }))
      yield* Effect.ignore(removeTree(paths.checkpoint))
    }).pipe(Effect.scoped),
  )
  if (Exit.isSuccess(revived)) return { container: "running" }
  const at = DateTime.formatIso(yield* DateTime.now)
  const stopped = yield* Effect.result(
    (yield* Containers).update(record.id, ({ operation: _, ...state }) => ({
      ...state,
      status: "exited" as const,
      pid: 0,
      conmonPid: 0,
      exitCode: 0,
      finishedAt: at,
      checkpointed: true,
      checkpointedAt: at,
      checkpointPath: paths.checkpoint,
    })),
  )
  if (stopped._tag === "Success") yield* Effect.ignore(finishStopped(stopped.success))
  return { container: "restorable", obstacle: reasonOf(revived.cause) }
}, Effect.uninterruptible)
