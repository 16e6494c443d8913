/** The output that conmon has recorded, and what comes after it. */
import type { ContainerFailure, LogLine } from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import { Containers, followLog, isActive, logSize, tailOffset } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { EngineServices } from "../EngineServices.ts"
import { observe } from "./observe.ts"

export interface LogRequest {
  readonly follow: boolean
  /** Number of lines from the end; below zero for all. */
  readonly tail: number
}

export const logs = (ref: string, request: LogRequest): Stream.Stream<LogLine, ContainerFailure, EngineServices> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const containers = yield* Containers
      const { id } = yield* containers.find(ref)
      const paths = (yield* Layout).container(id)
      // the record is read once and observed from then on: its end shows in the exit file
      const { state } = yield* containers.get(id)
      const size = logSize(paths.log)
      return Stream.fromAsyncIterable(
        followLog(paths.log, {
          from: tailOffset(paths.log, request.tail, size),
          // what is written while we read is for those who follow
          ...(request.follow ? {} : { until: size }),
          goesOn: () => request.follow && isActive(observe(state, paths)),
        }),
        (cause) => {
          throw cause
        },
      )
    }),
  )
