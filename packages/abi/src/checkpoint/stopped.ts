/**
 * Processes that a signal has stopped (SIGSTOP, Ctrl-Z).
 *
 * Where the v1 freezer holds a container still, CRIU 4.2.1 waits for such a process for ever, and the container with it: the
 * trap that it sets shows only once the process is thawed, which it is when all are trapped. With v2 it freezes and thaws them.
 */
import { ProcessStopped } from "@cryopod/entities"
import { cgroupsOf, type ContainerRecord, isAlive, programName, stoppedProcesses } from "@cryopod/runtime"
import * as Effect from "effect/Effect"

export const refuseStopped = ({ id, state }: ContainerRecord): Effect.Effect<void, ProcessStopped> =>
  Effect.suspend(() => {
    // what has ended is not stopped
    if (!isAlive(state.pid) || !hasFreezer(cgroupsOf(state.pid))) return Effect.void
    const [pid] = stoppedProcesses(state.pid)
    return pid === undefined ? Effect.void : Effect.fail(new ProcessStopped({ id, pid, program: programName(pid) }))
  })

/** A line `ID:CONTROLLERS:PATH` with the controller of v1. */
const hasFreezer = (cgroups: string) => /^\d+:(?:[^:]*,)?freezer(?:,[^:]*)?:\/./m.test(cgroups)
