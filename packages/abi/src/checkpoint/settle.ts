/** The checkpoint is complete: write down that the container has stopped, and take down what it no longer needs. */
import { join } from "node:path"
import type { ContainerNotFound, HostFailure, ToolMissing } from "@cryopod/entities"
import { removeTree } from "@cryopod/host"
import { Containers, type ContainerState } from "@cryopod/runtime"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { erase } from "../container/erase.ts"
import { finishStopped, forget } from "../container/finish.ts"
import type { EngineServices } from "../EngineServices.ts"
import { releasePackets } from "../network/releasePackets.ts"
import { dumpStatisticsFile } from "./dump.ts"
import { lastWords } from "./lastWords.ts"
import type { Plan } from "./preflight.ts"

/** The runtime has let go of the container, or never will since that runs on. */
export type Forgotten = Effect.Effect<void, ToolMissing>

/** The runtime lets go of a container that has ended with its dump, while the checkpoint is made of what it left. */
export const beginForgetting = Effect.fnUntraced(function* ({
  options,
  record,
}: Plan): Effect.fn.Return<Forgotten, never, EngineServices | Scope.Scope> {
  return options.leaveRunning ? Effect.void : Fiber.join(yield* Effect.forkScoped(forget(record)))
})

export const settle = Effect.fn("checkpoint.settle")(function* (
  plan: Plan,
  forgotten: Forgotten,
): Effect.fn.Return<void, HostFailure | ContainerNotFound, EngineServices> {
  const { options, paths, record } = plan
  if (!options.keep) {
    yield* removeTree(paths.dumpLog)
    yield* removeTree(join(paths.userdata, dumpStatisticsFile))
  }
  if (options.leaveRunning || options.phase === "preCheckpoint") return
  const containers = yield* Containers
  const at = DateTime.formatIso(yield* DateTime.now)
  // once this is written the stop is final, and a crash from here on changes nothing
  const stopped = yield* containers.update(record.id, (state) => checkpointed(state, plan, at))
  yield* lastWords(plan)
  // connections that are to be kept would be ended by the namespace, where others go on living
  if (!options.tcpEstablished) yield* releasePackets(stopped)
  if (record.config.autoRemove) yield* Effect.andThen(forgotten, erase(stopped))
  else yield* finishStopped(stopped, forgotten)
})

const checkpointed = (
  { operation: _, ...state }: ContainerState,
  { options, paths }: Plan,
  at: string,
): ContainerState => ({
  ...state,
  status: "exited",
  pid: 0,
  conmonPid: 0,
  exitCode: 0,
  finishedAt: at,
  checkpointed: true,
  checkpointedAt: at,
  checkpointPath: paths.checkpoint,
  ...(options.keep ? { checkpointLog: paths.dumpLog } : {}),
  restored: false,
})
