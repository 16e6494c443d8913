/**
 * One container, locked, looked at, and put right if an earlier command died in the middle of something.
 *
 * Every operation that changes a container runs inside `within`: it holds the container's lock, and the record it
 * gets tells what is, not what was.
 */
import type { ContainerNotFound, HostFailure } from "@cryopod/entities"
import { holdLock, Layout } from "@cryopod/host"
import { type ContainerRecord, Containers, isActive } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type { EngineServices } from "../EngineServices.ts"
import { finishStopped } from "./finish.ts"
import { observe } from "./observe.ts"
import { repair } from "./repair.ts"

/** Run an operation on a container by id, with its lock held for the whole of it. */
export const within = <A, E, R>(
  id: string,
  operation: (record: ContainerRecord) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E | ContainerNotFound | HostFailure, R | EngineServices> =>
  Effect.scoped(
    Effect.gen(function* () {
      const layout = yield* Layout
      yield* holdLock(layout.container(id).lock)
      const record = yield* settled(yield* (yield* Containers).get(id))
      return yield* operation(record)
    }),
  )

/** The record after repairs and after what has happened behind our back. The caller holds the lock. */
const settled = Effect.fnUntraced(function* (stored: ContainerRecord) {
  const containers = yield* Containers
  const layout = yield* Layout
  const record = stored.state.operation === undefined ? stored : yield* repair(stored)
  const state = observe(record.state, layout.container(record.id))
  if (state === record.state) return record
  const updated = yield* containers.update(record.id, () => state)
  if (isActive(record.state) && !isActive(state)) yield* finishStopped(updated)
  return updated
})

/**
 * Put containers right that an operation was begun on, so that what a dead process left half made takes nobody's name.
 * Waits for operations that are under way.
 */
export const repairAbandoned = Effect.fnUntraced(function* (concerned: (record: ContainerRecord) => boolean) {
  const begun = (yield* (yield* Containers).list).filter(
    (record) => record.state.operation !== undefined && concerned(record),
  )
  // one that is gone after its repair is right as well
  for (const { id } of begun) {
    yield* within(id, () => Effect.void).pipe(Effect.catchTag("ContainerNotFound", () => Effect.void))
  }
})

/** Look a container up by name or id, then run the operation. */
export const withinRef = Effect.fnUntraced(function* <A, E, R>(
  ref: string,
  operation: (record: ContainerRecord) => Effect.Effect<A, E, R>,
) {
  const { id } = yield* (yield* Containers).find(ref)
  return yield* within(id, operation)
})
