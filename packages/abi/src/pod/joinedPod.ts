/** A pod that a container is about to join. */
import { Pods } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type { JoinedPod } from "../container/membership.ts"
import { infraOf, membersOf } from "./members.ts"
import { withinPod } from "./PodScope.ts"

/** The pod stays as it is while the container is made. */
export const joinedPod = Effect.fnUntraced(function* <A, E, R>(
  ref: string,
  work: (pod: JoinedPod) => Effect.Effect<A, E, R>,
) {
  const { config } = yield* (yield* Pods).find(ref)
  return yield* withinPod(config.id, () =>
    Effect.flatMap(membersOf(config.id), (members) => work({ config, infra: infraOf(config, members) })),
  )
})
