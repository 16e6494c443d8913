/**
 * Put a container on its networks before it starts:
 *
 *   addresses → namespace → netavark → state
 *
 * Killed anywhere in between, what is there is found by the addresses and the namespace's path, and taken down by
 * `disconnectNetworks`.
 */
import type { HostFailure, NetworkStatus, PlacementFailure } from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import {
  Addresses,
  type AddressWish,
  type ContainerRecord,
  Containers,
  hasPlacedNetwork,
  type Lease,
  type LeaseFailure,
  lockPackets,
  makeNetworkNamespace,
  Netavark,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { within } from "../container/ContainerScope.ts"
import type { EngineServices } from "../EngineServices.ts"
import { type FormerPlaces, netavarkRequest, wishedPlaces } from "./places.ts"

/** What the container got; undefined for one whose network is not its own, or that has none. The caller holds its lock. */
export const connectNetworks = Effect.fn("Network.connect")(function* (
  record: ContainerRecord,
  former?: FormerPlaces,
): Effect.fn.Return<NetworkStatus | undefined, PlacementFailure, EngineServices> {
  const { config, id } = record
  if (!hasPlacedNetwork(config)) return undefined
  const { networkNamespace } = (yield* Layout).container(id)
  const wished = wishedPlaces(config.attachments ?? [], former)
  const leases = yield* leased(id, wished)
  yield* makeNetworkNamespace(networkNamespace)
  // others go on talking to connections that are about to come back
  if (former?.connections === true) yield* lockPackets(networkNamespace)
  const status = yield* (yield* Netavark).setup(networkNamespace, netavarkRequest(record, wished, leases))
  yield* (
    (yield* Containers)
      .update(id, (state) => ({ ...state, networkStatus: status }))
      // the caller's lock keeps the record
      .pipe(Effect.catchTag("ContainerNotFound", Effect.die))
  )
  return status
})

/** Addresses that containers have left behind are theirs until somebody needs them. */
const leased = Effect.fnUntraced(function* (
  id: string,
  wishes: ReadonlyArray<AddressWish>,
): Effect.fn.Return<ReadonlyArray<Lease>, LeaseFailure | HostFailure, EngineServices> {
  const addresses = yield* Addresses
  const again = (network: string) => Effect.andThen(settleHolders(network, id), addresses.lease(id, wishes))
  return yield* addresses.lease(id, wishes).pipe(
    Effect.catchTags({
      AddressInUse: ({ network }) => again(network),
      AddressesExhausted: ({ network }) => again(network),
    }),
  )
})

/** How long somebody else's operation is waited for: the caller's own lock must not be waited for in a circle. */
const patience = "2 seconds"

/** Whoever has an address on the network and has ended, or whose operation has died, is put right and gives it back. */
const settleHolders = Effect.fnUntraced(function* (network: string, id: string) {
  const holders = yield* (yield* Addresses).holders(network)
  for (const holder of holders.filter((other) => other !== id)) {
    yield* within(holder, () => Effect.void).pipe(
      Effect.timeoutOption(patience),
      Effect.catchTag("ContainerNotFound", () => Effect.void),
    )
  }
})
