/** Remove a container with all it has. */
import { ContainerHasDependents, ContainerStateImproper, InfraRemovalRefused } from "@cryopod/entities"
import { type ContainerRecord, Containers, dependenciesOf, isActive } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { attendEnd } from "./attendEnd.ts"
import { erase } from "./erase.ts"
import { killed, stop } from "./stop.ts"

export interface RemovalOptions {
  readonly force: boolean
  readonly timeSeconds: number
  readonly volumes?: boolean
}

/** The caller holds the lock. One that others need is refused, whatever force is used. */
export const remove = Effect.fn("Container.remove")(function* (record: ContainerRecord, options: RemovalOptions) {
  const { config, id } = record
  if (config.infra === true) return yield* new InfraRemovalRefused({ id, pod: config.pod ?? "" })
  const dependents = yield* dependentsOf(id)
  if (dependents.length > 0) {
    return yield* new ContainerHasDependents({ id, dependents: dependents.map((dependent) => dependent.id) })
  }
  return yield* removeAlone(record, options)
})

/** The caller holds the lock and knows that nobody needs the container. */
export const removeAlone = Effect.fnUntraced(function* (record: ContainerRecord, options: RemovalOptions) {
  const { id, state } = record
  if (isActive(state)) {
    if (!options.force) return yield* new ContainerStateImproper({ id, state: state.status, operation: "remove" })
    if (state.status === "paused") yield* attendEnd(record, killed(record))
    else yield* stop(record, options.timeSeconds)
  }
  const going = yield* (yield* Containers).update(id, (before) => ({
    ...before,
    operation: "remove",
    ...(options.volumes === true ? { removeVolumes: true } : {}),
  }))
  yield* erase(going)
  return id
})

/** Containers that join a namespace of this one, the newest first. */
export const dependentsOf = Effect.fnUntraced(function* (id: string) {
  return (yield* (yield* Containers).list).filter(({ config }) => dependenciesOf(config).includes(id))
})
