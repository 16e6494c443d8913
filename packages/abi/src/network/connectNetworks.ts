/**
 * Put a container on its networks before it starts:
 *
 *   addresses → namespace → netavark → state
 *
 * Killed anywhere in between, what is there is found by the addresses and the namespace's path, and taken down by
 * `disconnectNetworks`.
 */
import type { NetworkStatus, PlacementFailure } from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import {
  Addresses,
  type ContainerRecord,
  Containers,
  hasPlacedNetwork,
  lockPackets,
  makeNetworkNamespace,
  Netavark,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type { EngineServices } from "../EngineServices.ts"
import { type FormerPlaces, netavarkRequest, wishedPlaces } from "./places.ts"
import { settling } from "./settling.ts"

/** What the container got; undefined for one whose network is not its own, or that has none. The caller holds its lock. */
export const connectNetworks = Effect.fn("Network.connect")(function* (
  record: ContainerRecord,
  former?: FormerPlaces,
): Effect.fn.Return<NetworkStatus | undefined, PlacementFailure, EngineServices> {
  const { config, id } = record
  if (!hasPlacedNetwork(config)) return undefined
  const { networkNamespace } = (yield* Layout).container(id)
  const wished = wishedPlaces(config.attachments ?? [], former)
  const leases = yield* settling(id, (yield* Addresses).lease(id, wished))
  yield* makeNetworkNamespace(networkNamespace)
  // others go on talking to connections that are about to come back
  if (former?.connections === true) yield* lockPackets(networkNamespace)
  // a container that has left every network is on none, as libpod has it
  const status =
    wished.length === 0 ? {} : yield* (yield* Netavark).setup(networkNamespace, netavarkRequest(record, wished, leases))
  yield* (
    (yield* Containers)
      .update(id, (state) => ({ ...state, networkStatus: status }))
      // the caller's lock keeps the record
      .pipe(Effect.catchTag("ContainerNotFound", Effect.die))
  )
  return status
})
