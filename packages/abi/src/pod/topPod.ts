/** The processes of all containers of a pod. */
import { Pods } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { within } from "../container/ContainerScope.ts"
import { top } from "../container/top.ts"
import { membersOf } from "./members.ts"

/** One table; nothing when no container runs. */
export const topPod = Effect.fn("PodEngine.top")(function* (ref: string, descriptors: ReadonlyArray<string>) {
  const { config } = yield* (yield* Pods).find(ref)
  const members = (yield* membersOf(config.id)).toReversed()
  const tables = yield* Effect.forEach(
    members.filter(({ state }) => state.status === "running"),
    ({ id }) => within(id, (record) => top(record, descriptors)),
  )
  const [first] = tables
  return first === undefined ? [] : [first[0] ?? [], ...tables.flatMap(([, ...rows]) => rows)]
})
