/**
 * Let packets pass in a network namespace that a frozen container shares with others: CRIU's dump has stopped them, and only
 * a restore of the container would let them pass again.
 */
import type { HostFailure } from "@cryopod/entities"
import {
  type ContainerRecord,
  Containers,
  dropLockTables,
  isActive,
  joinedContainer,
  unlockPackets,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type { EngineServices } from "../EngineServices.ts"

/** Idempotent. Nothing happens for a container with a namespace of its own, which goes with it. */
export const releasePackets = Effect.fn("Network.releasePackets")(function* ({
  config,
}: ContainerRecord): Effect.fn.Return<void, HostFailure, EngineServices> {
  const ownerId = joinedContainer(config, "net")
  if (ownerId === undefined) return
  const owner = yield* (yield* Containers)
    .get(ownerId)
    .pipe(Effect.catchTag("ContainerNotFound", () => Effect.succeed(undefined)))
  if (owner === undefined || !isActive(owner.state)) return
  const namespace = `/proc/${owner.state.pid}/ns/net`
  yield* unlockPackets(namespace)
  yield* dropLockTables(namespace)
})
