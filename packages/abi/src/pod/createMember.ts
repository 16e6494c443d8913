/** A container in a pod: one that exists, or with `new:NAME` one that is made for it. */
import {
  type CreateFailure,
  type CreateOptions,
  defaultInfra,
  defaultPod,
  networkFlagsOf,
  PodOptionInvalid,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { createContainer, newContainerId } from "../container/create.ts"
import { membership } from "../container/membership.ts"
import type { AllServices } from "../EngineServices.ts"
import { createPod } from "./createPod.ts"
import { erasePod } from "./erasePod.ts"
import { joinedPod } from "./joinedPod.ts"
import { withinPod } from "./PodScope.ts"

export const createMember = Effect.fn("ContainerEngine.createMember")(function* (
  options: CreateOptions,
): Effect.fn.Return<{ readonly id: string }, CreateFailure, AllServices> {
  const name = /^new:(.*)$/.exec(options.pod)?.[1]
  if (name === undefined) return yield* createIn(options.pod, options)
  if (name === "") return yield* new PodOptionInvalid({ problem: "newName", value: "" })
  // what would be the container's network and hostname is the pod's
  const { hostname, runtime } = options
  const infra = {
    ...defaultInfra,
    ...networkFlagsOf(options),
    ...(runtime === undefined ? {} : { runtime }),
  }
  const pod = yield* createPod({ ...defaultPod, name, hostname, infra, createCommand: options.createCommand ?? [] })
  return yield* createIn(pod.id, { ...options, ...networkFlagsOf(defaultInfra), hostname: "" }).pipe(
    Effect.onError(() => Effect.ignore(withinPod(pod.id, (record) => erasePod(record)))),
  )
})

const createIn = (ref: string, options: CreateOptions) =>
  joinedPod(ref, (pod) =>
    Effect.gen(function* () {
      const decided = yield* membership(options, pod)
      return yield* createContainer(options, { id: yield* newContainerId, membership: decided })
    }),
  )
