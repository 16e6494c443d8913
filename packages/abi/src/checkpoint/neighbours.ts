/** What the containers around one have to say about its checkpoint. */
import {
  type CheckpointTarget,
  type DatabaseFailed,
  DependentExportRefused,
  InfraCheckpointRefused,
  PidNamespaceShared,
} from "@cryopod/entities"
import {
  type ContainerRecord,
  type Containers,
  dependenciesOf,
  isActive,
  joinedContainer,
  Pods,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { dependentsOf } from "../container/remove.ts"

/**
 * Podman takes infra containers along with `--all`, upon which it cannot dump the containers that live in their
 * namespaces. A process that others have for the first of their PID namespace cannot end without them.
 */
export const refuseForNeighbours = Effect.fn("checkpoint.neighbours")(function* (
  { config, id }: ContainerRecord,
  target: CheckpointTarget,
): Effect.fn.Return<
  void,
  InfraCheckpointRefused | PidNamespaceShared | DependentExportRefused | DatabaseFailed,
  Containers | Pods
> {
  if (config.infra === true) return yield* new InfraCheckpointRefused({ id, pod: config.pod ?? "" })
  if (target._tag !== "Container") {
    const others = dependenciesOf(config)
    const infraId = config.pod === undefined ? undefined : yield* infraOfPod(config.pod)
    if (others.some((owner) => owner !== infraId)) return yield* new DependentExportRefused({ id })
  }
  const inside = (yield* dependentsOf(id)).filter(
    (other) => isActive(other.state) && joinedContainer(other.config, "pid") === id,
  )
  if (inside.length > 0) return yield* new PidNamespaceShared({ id, others: inside.map((other) => other.id) })
})

const infraOfPod = (podId: string) =>
  Effect.flatMap(Pods, (pods) => pods.get(podId)).pipe(
    Effect.map(({ config }) => config.infraId),
    Effect.catchTag("PodNotFound", () => Effect.succeed(undefined)),
  )
