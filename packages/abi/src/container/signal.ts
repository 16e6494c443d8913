/** Signals and pauses: what happens to a running container without ending it. */
import { ContainerStateImproper, SignalInvalid, signalNumber } from "@cryopod/entities"
import { type ContainerRecord, Containers, OciRuntime } from "@cryopod/runtime"
import * as Effect from "effect/Effect"

const sigkill = 9

/** Its restart policy has no say when the container ends now. */
export const stoppedByUser = (id: string) =>
  Effect.flatMap(Containers, (containers) => containers.update(id, (state) => ({ ...state, stoppedByUser: true })))

/** The caller holds the lock in all of these. */
export const kill = Effect.fn("Container.kill")(function* (record: ContainerRecord, signal: string) {
  const number = signalNumber(signal)
  if (number === undefined) return yield* new SignalInvalid({ signal })
  if (record.state.status !== "running") return yield* improper(record, "kill")
  // what asks the container to end is its user's word on it
  if (number === sigkill || number === record.config.stopSignal) yield* stoppedByUser(record.id)
  yield* (yield* OciRuntime).kill(record.config.runtime, record.id, number, "main")
  return record.id
})

export const pause = Effect.fn("Container.pause")(function* (record: ContainerRecord) {
  if (record.state.status !== "running") return yield* improper(record, "pause")
  yield* (yield* OciRuntime).pause(record.config.runtime, record.id)
  yield* (yield* Containers).update(record.id, (state) => ({ ...state, status: "paused" }))
  return record.id
})

export const unpause = Effect.fn("Container.unpause")(function* (record: ContainerRecord) {
  if (record.state.status !== "paused") return yield* improper(record, "unpause")
  yield* (yield* OciRuntime).resume(record.config.runtime, record.id)
  yield* (yield* Containers).update(record.id, (state) => ({ ...state, status: "running" }))
  return record.id
})

const improper = ({ id, state }: ContainerRecord, operation: ContainerStateImproper["operation"]) =>
  new ContainerStateImproper({ id, state: state.status, operation })
