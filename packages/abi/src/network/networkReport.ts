/** What is told of a container's networks: its own, or those of the container whose namespace it joins. */
import { type ContainerInspect, type HostFailure, type NetworkAttachment, networkSettings } from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import {
  type ContainerRecord,
  Containers,
  hasPlacedNetwork,
  isActive,
  joinedContainer,
  Networks,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"

/** Whose network the container has. */
export const networkOwner = (record: ContainerRecord, all: ReadonlyArray<ContainerRecord>): ContainerRecord => {
  const owner = joinedContainer(record.config, "net")
  return owner === undefined ? record : (all.find(({ id }) => id === owner) ?? record)
}

/** `record` has the state as it is now. */
export const networkReport = Effect.fnUntraced(function* (
  record: ContainerRecord,
): Effect.fn.Return<ContainerInspect["NetworkSettings"], HostFailure, Containers | Networks | Layout> {
  const joins = joinedContainer(record.config, "net") !== undefined
  const owner = joins ? networkOwner(record, yield* (yield* Containers).list) : record
  const { config, id, state } = owner
  const running = isActive(record.state)
  const attachments = config.attachments ?? []
  const ids = yield* networkIds(attachments)
  return networkSettings(
    {
      id,
      hostname: config.hostname,
      attachments,
      ports: config.ports ?? [],
      exposed: config.exposed ?? [],
      mode: config.network === "bridge" ? undefined : config.network,
    },
    {
      status: running ? state.networkStatus : undefined,
      sandboxKey: sandboxKey(owner, running, (yield* Layout).container(id).networkNamespace),
      idOf: (network) => ids.get(network) ?? "",
    },
  )
})

const sandboxKey = ({ config }: ContainerRecord, running: boolean, path: string): string =>
  running && hasPlacedNetwork(config) ? path : ""

const networkIds = Effect.fnUntraced(function* (attachments: ReadonlyArray<NetworkAttachment>) {
  if (attachments.length === 0) return new Map<string, string>()
  return new Map((yield* (yield* Networks).list).map(({ id, name }) => [name, id]))
})
