/**
 * Give a container a place on one network more:
 *
 *   configuration → address → netavark → state → names
 *
 * Killed anywhere in between, the container has the network and comes off it as off any other: by `leaveNetwork`, or when it
 * stops.
 */
import { type ConnectionFailure, type NetworkAttachment, NetworkConnected, NetworkModeRefused } from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import {
  Addresses,
  type ContainerRecord,
  Containers,
  hasPlacedNetwork,
  isActive,
  Netavark,
  Networks,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type { EngineServices } from "../EngineServices.ts"
import { requireNetworks } from "./attachmentsOf.ts"
import { takeOff } from "./leaveNetwork.ts"
import { addPlaceNames } from "./nameFiles.ts"
import { netavarkRequest, withInterfaceNames } from "./places.ts"
import { settling } from "./settling.ts"

/** The caller holds the container's lock. */
export const joinNetwork = Effect.fn("Network.join")(function* (
  record: ContainerRecord,
  asked: NetworkAttachment,
): Effect.fn.Return<void, ConnectionFailure, EngineServices> {
  const { config, id, state } = record
  if (!hasPlacedNetwork(config)) return yield* new NetworkModeRefused({ container: id })
  const { name } = yield* (yield* Networks).find(asked.network)
  const before = config.attachments ?? []
  if (before.some(({ network }) => network === name)) {
    return isActive(state) ? yield* new NetworkConnected({ name, container: id }) : undefined
  }
  const wished = { ...asked, network: name }
  // interfaces keep their names, whatever other networks the container leaves
  const attachments = withInterfaceNames([...before, wished])
  const joined = yield* (yield* Containers).configure(id, (found) => ({ ...found, attachments }))
  yield* requireNetworks([wished]).pipe(
    Effect.andThen(isActive(state) ? plug(joined, name) : Effect.void),
    Effect.onError(() => Effect.ignore(takeOff(joined, name))),
  )
})

/** Put the namespace of a container that runs on a network that its configuration has. */
const plug = Effect.fnUntraced(function* (record: ContainerRecord, name: string) {
  const { id } = record
  const places = (record.config.attachments ?? []).filter(({ network }) => network === name)
  const [wish = { network: name, ips: [] }] = places
  const lease = yield* settling(id, (yield* Addresses).extend(id, wish))
  const { networkNamespace } = (yield* Layout).container(id)
  const status = yield* (yield* Netavark).setup(networkNamespace, netavarkRequest(record, places, [lease]))
  yield* (yield* Containers).update(id, (state) => ({
    ...state,
    networkStatus: { ...state.networkStatus, ...status },
  }))
  yield* addPlaceNames(record, status)
})
