/** Take a container off its networks when it has stopped, as far as it is on them. */
import type { HostFailure } from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import {
  Addresses,
  type ContainerRecord,
  Containers,
  hasPlacedNetwork,
  isNetworkNamespace,
  Netavark,
  removeNetworkNamespace,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type { EngineServices } from "../EngineServices.ts"
import { netavarkRequest } from "./places.ts"

/** Idempotent. The addresses go last: they tell a later command what is still to be taken down. */
export const disconnectNetworks = Effect.fn("Network.disconnect")(function* (
  record: ContainerRecord,
): Effect.fn.Return<void, HostFailure, EngineServices> {
  const { config, id } = record
  if (!hasPlacedNetwork(config)) return
  const { networkNamespace } = (yield* Layout).container(id)
  const addresses = yield* Addresses
  const leases = yield* addresses.of(id)
  yield* unplug(record, config.attachments ?? [], leases)
  yield* removeNetworkNamespace(networkNamespace)
  if (leases.length === 0) return
  yield* (yield* Containers)
    .update(id, ({ networkStatus: _, ...state }) => state)
    .pipe(Effect.catchTag("ContainerNotFound", () => Effect.void))
  yield* addresses.release(id)
})

/** What a container has on networks, as far as it has anything: without addresses or a namespace there is nothing. */
export const unplug = Effect.fnUntraced(function* (
  record: ContainerRecord,
  places: Parameters<typeof netavarkRequest>[1],
  leases: Parameters<typeof netavarkRequest>[2],
) {
  const { networkNamespace } = (yield* Layout).container(record.id)
  if (leases.length === 0 || !isNetworkNamespace(networkNamespace)) return
  yield* (yield* Netavark).teardown(networkNamespace, netavarkRequest(record, places, leases))
})
