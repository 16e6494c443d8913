/** Networks in memory: the default one alone. Addresses and ports are given out and nothing is behind them. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import {
  AddressInUse,
  AddressOutside,
  NetworkNotFound,
  type NetworkOptionInvalid,
} from "../../failures/NetworkFailures.ts"
import type { CreateOptions } from "../../options/CreateOptions.ts"
import type { NetworkStatus } from "../../reports/NetworkReports.ts"
import { type NameResolution, type NetworkAttachment, networkWish } from "../../values/ContainerNetwork.ts"
import { formatIp, type IpAddress, parseIp, parseSubnet, plus, subnetHas } from "../../values/IpAddress.ts"
import { defaultNetwork, defaultNetworkName } from "../../values/NetworkDefinition.ts"
import { type ExposedPort, publishedToo, type PortMapping } from "../../values/PortMapping.ts"
import { isActive, type MemoryHost } from "./MemoryHost.ts"

export interface MemoryConnection {
  readonly attachments: ReadonlyArray<NetworkAttachment>
  readonly published: ReadonlyArray<PortMapping>
  readonly exposed: ReadonlyArray<ExposedPort>
  readonly names: NameResolution
}

type Failure = NetworkNotFound | NetworkOptionInvalid | AddressInUse | AddressOutside

/** `bridges`: the container has a network namespace of its own that is on networks. */
export const memoryConnection = Effect.fnUntraced(function* (
  options: CreateOptions,
  bridges: boolean,
): Effect.fn.Return<MemoryConnection, Failure> {
  const wish = yield* Effect.fromResult(networkWish(options))
  const asked = wish.attachments.length > 0 ? wish.attachments : [{ network: defaultNetworkName, ips: [], aliases: [] }]
  const unknown = asked.find(({ network }) => network !== defaultNetworkName)
  if (bridges && unknown !== undefined) return yield* new NetworkNotFound({ ref: unknown.network })
  const published = options.publishAll ? publishedToo(wish.published, wish.exposed) : wish.published
  return {
    attachments: bridges ? asked : [],
    published: bridges ? withPorts(published) : [],
    exposed: wish.exposed,
    names: wish.names,
  }
})

/** Ports of a host that has none: from 40000 on. */
export const withPorts = (mappings: ReadonlyArray<PortMapping>): ReadonlyArray<PortMapping> =>
  mappings.map((mapping, at) => (mapping.host_port === 0 ? { ...mapping, host_port: 40_000 + at } : mapping))

const subnet = parseSubnet(defaultNetwork.subnets?.[0]?.subnet ?? "") ?? {
  network: { family: 4, value: 0n },
  prefix: 8,
}
const gateway = plus(subnet.network, 1n)

/** The next container has the next address, so that one that is frozen finds its own free. */
const lastGiven = new WeakMap<MemoryHost, IpAddress>()

/** What the container gets, as far as it asks for nothing the next that nobody has. */
export const placesFor = (
  host: MemoryHost,
  attachments: ReadonlyArray<NetworkAttachment>,
): Result.Result<NetworkStatus, AddressInUse | AddressOutside> =>
  Result.gen(function* () {
    const taken = new Map(
      host.containers
        .filter(isActive)
        .flatMap(({ config, id }) => addressesOf(config.places).map((address) => [address, id] as const)),
    )
    const [attachment] = attachments
    if (attachment === undefined) return {}
    const [wanted] = attachment.ips
    const parsed = wanted === undefined ? undefined : parseIp(wanted)
    if (wanted !== undefined && (parsed === undefined || !subnetHas(subnet, parsed))) {
      return yield* Result.fail(new AddressOutside({ address: wanted, network: attachment.network }))
    }
    let address = parsed ?? plus(lastGiven.get(host) ?? gateway, 1n)
    while (taken.has(formatIp(address))) {
      if (parsed !== undefined) {
        const container = taken.get(formatIp(address)) ?? ""
        return yield* Result.fail(
          new AddressInUse({ address: formatIp(address), network: attachment.network, container }),
        )
      }
      address = plus(address, 1n)
    }
    if (parsed === undefined) lastGiven.set(host, address)
    const mac =
      attachment.mac ??
      `02:${(address.value & 0xff_ffff_ffffn)
        .toString(16)
        .padStart(10, "0")
        .replaceAll(/(..)(?=.)/g, "$1:")}`
    return {
      [attachment.network]: {
        interfaces: {
          [attachment.interfaceName ?? "eth0"]: {
            mac_address: mac,
            subnets: [{ ipnet: `${formatIp(address)}/${subnet.prefix}`, gateway: formatIp(gateway) }],
          },
        },
      },
    }
  })

const addressesOf = (places: NetworkStatus): ReadonlyArray<string> =>
  Object.values(places).flatMap(({ interfaces }) =>
    Object.values(interfaces ?? {}).flatMap(({ subnets }) =>
      (subnets ?? []).flatMap(({ ipnet }) => ipnet.split("/")[0] ?? []),
    ),
  )
