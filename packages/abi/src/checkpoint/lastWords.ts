/**
 * What a container said before it stood still may still be in the pipe to conmon. Only when conmon has written it does the
 * log belong to the same instant as the memory.
 */
import * as fs from "node:fs"
import { isAlive, logSize } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { readExit } from "../container/observe.ts"
import type { Plan } from "./preflight.ts"

/** conmon does this in microseconds; one that is kept from running for longer than this is not waited for. */
const patience = "5 seconds"

/**
 * Wait until conmon has written everything. Of processes that have ended it has when it has written their exit code; of
 * those that only stand still, when it sleeps and the log does not grow.
 */
export const lastWords = ({ options, paths, record }: Plan): Effect.Effect<void> => {
  const { conmonPid } = record.state
  let before = -1
  const written = (): boolean => {
    if (!isAlive(conmonPid)) return true
    if (!options.leaveRunning) return readExit(paths) !== undefined
    const size = logSize(paths.log)
    const still = size === before && sleeps(conmonPid)
    before = size
    return still
  }
  return Effect.sync(written).pipe(
    Effect.repeat({ until: (done) => done, schedule: Schedule.spaced("2 millis") }),
    Effect.timeoutOption(patience),
    Effect.asVoid,
  )
}

/** State `S` of proc(5): waiting for something to happen. */
const sleeps = (pid: number): boolean => {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8")
    return stat.slice(stat.lastIndexOf(")") + 2).startsWith("S")
  } catch {
    return true
  }
}
