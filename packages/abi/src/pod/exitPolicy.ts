/** What becomes of a pod when a container of it has ended: with the exit policy `stop`, the last one ends the pod. */
import { type ContainerRecord, Pods } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { within } from "../container/ContainerScope.ts"
import { stop } from "../container/stop.ts"
import { membersOf } from "./members.ts"

/** The caller holds the lock of the container that has ended. */
export const followExitPolicy = Effect.fn("Pod.exitPolicy")(function* ({ config, id }: ContainerRecord) {
  if (config.pod === undefined || config.infra === true) return
  const pod = yield* (yield* Pods).get(config.pod).pipe(Effect.catchTag("PodNotFound", () => Effect.succeed(undefined)))
  const infraId = pod?.config.infraId
  if (pod === undefined || infraId === undefined || pod.config.exitPolicy !== "stop") return
  // a container that is about to start holds the infra container's lock until its record says that it runs
  yield* within(infraId, (infra) =>
    Effect.gen(function* () {
      const others = (yield* membersOf(pod.config.id)).filter((member) => member.id !== id && member.id !== infraId)
      if (others.every(({ state }) => state.status === "exited")) yield* stop(infra, -1)
    }),
  ).pipe(Effect.catchTag("ContainerNotFound", () => Effect.void))
})
