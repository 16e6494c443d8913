/** The containers of a pod, and the infra container among them. */
import { Layout } from "@cryopod/host"
import { type ContainerRecord, Containers, type PodConfig } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { observe } from "../container/observe.ts"

/** As they really are, the newest first. */
export const membersOf = Effect.fnUntraced(function* (podId: string) {
  const layout = yield* Layout
  const all = yield* (yield* Containers).list
  return all
    .filter(({ config }) => config.pod === podId)
    .map((record) => ({ ...record, state: observe(record.state, layout.container(record.id)) }))
})

export const infraOf = ({ infraId }: PodConfig, members: ReadonlyArray<ContainerRecord>): ContainerRecord | undefined =>
  members.find(({ id }) => id === infraId)
