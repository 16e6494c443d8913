/**
 * Take a container off a network:
 *
 *   netavark → names → state → address → configuration
 *
 * The configuration goes last: killed before, the container still has the network, and what is there of it is taken down by
 * whoever asks again.
 */
import {
  type ConnectionFailure,
  type ContainerNotFound,
  type HostFailure,
  NetworkModeRefused,
  NetworkNotConnected,
} from "@cryopod/entities"
import { Addresses, type ContainerRecord, Containers, hasPlacedNetwork, Networks } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type { EngineServices } from "../EngineServices.ts"
import { unplug } from "./disconnectNetworks.ts"
import { removePlaceNames } from "./nameFiles.ts"
import { withInterfaceNames } from "./places.ts"

interface Leaving {
  readonly network: string
  /** The container as the caller called it. */
  readonly typed: string
}

/** The caller holds the container's lock. */
export const leaveNetwork = Effect.fn("Network.leave")(function* (
  record: ContainerRecord,
  { network: ref, typed }: Leaving,
): Effect.fn.Return<void, ConnectionFailure, EngineServices> {
  const { config, id } = record
  if (!hasPlacedNetwork(config)) return yield* new NetworkModeRefused({ container: id })
  const { name } = yield* (yield* Networks).find(ref)
  const attachments = config.attachments ?? []
  if (attachments.every(({ network }) => network !== name)) {
    const elsewhere = attachments.length > 0
    return yield* new NetworkNotConnected({ name, container: elsewhere ? typed : id, elsewhere })
  }
  yield* takeOff(record, name)
})

/** Whether the network is there any more or not. */
export const takeOff = Effect.fnUntraced(function* (
  record: ContainerRecord,
  name: string,
): Effect.fn.Return<void, ContainerNotFound | HostFailure, EngineServices> {
  // interfaces keep their names
  const attachments = withInterfaceNames(record.config.attachments ?? [])
  yield* takeDown(
    record,
    attachments.filter(({ network }) => network === name),
  )
  yield* (yield* Containers).configure(record.id, (found) => ({
    ...found,
    attachments: attachments.filter(({ network }) => network !== name),
  }))
})

/** What there is of the container's place, which is nothing when it does not run. */
const takeDown = Effect.fnUntraced(function* (record: ContainerRecord, places: ReturnType<typeof withInterfaceNames>) {
  const { id, state } = record
  const [name = ""] = places.map(({ network }) => network)
  const addresses = yield* Addresses
  const leases = (yield* addresses.of(id)).filter(({ network }) => network.name === name)
  yield* unplug(record, places, leases)
  const status = state.networkStatus?.[name]
  if (status !== undefined) yield* removePlaceNames(record, { [name]: status })
  yield* (yield* Containers).update(id, ({ networkStatus, ...others }) => {
    const { [name]: _, ...left } = networkStatus ?? {}
    return networkStatus === undefined ? others : { ...others, networkStatus: left }
  })
  yield* addresses.release(id, name)
})
