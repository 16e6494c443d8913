/**
 * Containers whose namespaces another container joins: they run before it does, and stay as they are while it begins.
 *
 * Locks of several containers are taken from the newest to the oldest. A container joins older ones only, so that no
 * two commands ever wait for each other.
 */
import { type ContainerNotFound, DependencyCheckpointed, type HostFailure, type StorageFailed } from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import {
  type ContainerConfig,
  type ContainerRecord,
  Containers,
  dependenciesOf,
  hasPlacedNetwork,
  isActive,
  placedNamespaces,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type { EngineServices } from "../EngineServices.ts"
import { readSpec, writeSpec } from "./bundle.ts"
import { within } from "./ContainerScope.ts"

type Joining = Pick<ContainerConfig, "id" | "namespaces">

/** Work while nothing else changes the containers that this one joins, or those that they join. */
export const holdingOwners = <A, E, R>(
  config: Joining,
  work: Effect.Effect<A, E, R>,
): Effect.Effect<A, E | ContainerNotFound | HostFailure, R | EngineServices> =>
  Effect.flatMap(ownersOf(config), (owners) => holding(owners, work))

const holding = <A, E, R>(
  [first, ...rest]: ReadonlyArray<ContainerRecord>,
  work: Effect.Effect<A, E, R>,
): Effect.Effect<A, E | ContainerNotFound | HostFailure, R | EngineServices> =>
  first === undefined ? work : within(first.id, () => holding(rest, work))

/** As `holdingOwners`, with all of them running; those that do not are started, the oldest first. */
export const joining = <A, E, R, F, S>(
  record: ContainerRecord,
  startOwner: (owner: ContainerRecord) => Effect.Effect<unknown, F, S>,
  work: Effect.Effect<A, E, R>,
) =>
  Effect.flatMap(ownersOf(record.config), (owners) =>
    holding(
      owners,
      Effect.gen(function* () {
        for (const { id } of owners.toReversed()) {
          const owner = yield* (yield* Containers).get(id)
          if (isActive(owner.state)) continue
          // an infra container runs nothing that could be lost
          if (owner.state.checkpointed && owner.config.infra !== true) {
            return yield* new DependencyCheckpointed({ id: record.id, dependency: id })
          }
          yield* startOwner(owner)
        }
        return yield* work
      }),
    ),
  )

/** Directly or through others, the newest first. */
const ownersOf = Effect.fnUntraced(function* (config: Joining) {
  const containers = yield* Containers
  const wanted = new Set<string>()
  const add = (ids: ReadonlyArray<string>, all: ReadonlyArray<ContainerRecord>) => {
    for (const id of ids) {
      if (wanted.has(id)) continue
      wanted.add(id)
      add(dependenciesOf(all.find((other) => other.id === id)?.config ?? {}), all)
    }
  }
  const direct = dependenciesOf(config)
  if (direct.length === 0) return []
  const newestFirst = yield* containers.list
  add(direct, newestFirst)
  for (const id of direct) yield* containers.get(id)
  return newestFirst.filter(({ id }) => wanted.has(id))
})

/** Write into the bundle where the namespaces are that the container finds made. Those that it joins have owners that run. */
export const writePlacedNamespaces = Effect.fnUntraced(function* ({
  config,
  id,
}: ContainerRecord): Effect.fn.Return<void, StorageFailed | ContainerNotFound | HostFailure, EngineServices> {
  const owners = dependenciesOf(config)
  if (owners.length === 0 && !hasPlacedNetwork(config)) return
  const containers = yield* Containers
  const pids = new Map<string, number>()
  for (const owner of owners) pids.set(owner, (yield* containers.get(owner)).state.pid)
  const paths = (yield* Layout).container(id)
  const spec = yield* readSpec(paths)
  const namespaces = placedNamespaces(config, spec.linux.namespaces, {
    pidOf: (owner) => pids.get(owner) ?? 0,
    network: paths.networkNamespace,
  })
  yield* writeSpec(paths, { ...spec, linux: { ...spec.linux, namespaces } })
})
