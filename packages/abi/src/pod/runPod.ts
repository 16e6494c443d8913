/** What starts, stops and interrupts the containers of a pod, all of them at once. The caller holds the pod's lock. */
import { PodEmpty } from "@cryopod/entities"
import type { ContainerRecord, PodRecord } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { kill, pause, unpause } from "../container/signal.ts"
import { start } from "../container/start.ts"
import { stop, stoppable } from "../container/stop.ts"
import { eachMember } from "./eachMember.ts"
import { membersOf } from "./members.ts"

const running = ({ state }: ContainerRecord) => state.status === "running"

/** In the order of their creation, so that the infra container comes first. */
export const startPod = Effect.fn("Pod.start")(function* ({ config: { id } }: PodRecord) {
  const members = yield* membersOf(id)
  if (members.length === 0) return yield* new PodEmpty({ pod: id })
  yield* eachMember(members.toReversed(), { name: "starting", work: start, concurrency: 1 })
})

/** The infra container stops when nobody needs it any more; every other has all the time it was given. */
export const stopPod = Effect.fn("Pod.stop")(function* ({ config }: PodRecord, timeSeconds: number) {
  const members = (yield* membersOf(config.id)).filter(stoppable)
  const stopping = {
    name: "stopping",
    work: (record: ContainerRecord) => stop(record, timeSeconds),
    concurrency: Number.POSITIVE_INFINITY,
  }
  yield* eachMember(
    members.filter(({ id }) => id !== config.infraId),
    stopping,
  )
  yield* eachMember(
    members.filter(({ id }) => id === config.infraId),
    stopping,
  )
})

export const restartPod = Effect.fn("Pod.restart")(function* (record: PodRecord) {
  yield* stopPod(record, -1)
  yield* startPod(record)
})

/** The infra container last: where a PID namespace is shared, its end is the end of all. */
export const killPod = Effect.fn("Pod.kill")(function* ({ config: { id } }: PodRecord, signal: string) {
  const members = (yield* membersOf(id)).filter(running)
  yield* eachMember(members, { name: "killing", work: (record) => kill(record, signal), concurrency: 1 })
})

export const pausePod = Effect.fn("Pod.pause")(function* ({ config: { id } }: PodRecord) {
  yield* eachMember((yield* membersOf(id)).filter(running), { name: "pausing", work: pause, concurrency: 1 })
})

export const unpausePod = Effect.fn("Pod.unpause")(function* ({ config: { id } }: PodRecord) {
  const members = (yield* membersOf(id)).filter(({ state }) => state.status === "paused")
  yield* eachMember(members, { name: "unpausing", work: unpause, concurrency: 1 })
})
