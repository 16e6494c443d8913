/** Remove a container and everything that cannot be without it: those that join its namespaces, the pod that it holds. */
import type { ContainerFailure } from "@cryopod/entities"
import { Containers } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { within } from "../container/ContainerScope.ts"
import { dependentsOf, remove, type RemovalOptions } from "../container/remove.ts"
import type { EngineServices } from "../EngineServices.ts"
import { withinPod } from "./PodScope.ts"
import { removePod } from "./removePod.ts"

/** What is gone already is right as well. */
export const removeAlong = (
  id: string,
  options: RemovalOptions,
): Effect.Effect<void, ContainerFailure, EngineServices> =>
  Effect.gen(function* () {
    const { config } = yield* (yield* Containers).get(id)
    if (config.infra === true && config.pod !== undefined) {
      yield* withinPod(config.pod, (pod) => removePod(pod, options))
      return
    }
    for (const dependent of yield* dependentsOf(id)) yield* removeAlong(dependent.id, options)
    yield* within(id, (record) => remove(record, options))
  }).pipe(Effect.catchTags({ ContainerNotFound: () => Effect.void, PodNotFound: () => Effect.void }))
