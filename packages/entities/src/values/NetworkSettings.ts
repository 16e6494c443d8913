/** A container's networks as `inspect` shows them (Podman 5.4 `libpod/networking_common.go`, getContainerNetworkInfo). Pure. */
import type { ContainerInspect, EndpointReport } from "../reports/ContainerReports.ts"
import type { NetworkInterface, NetworkStatus } from "../reports/NetworkReports.ts"
import type { NetworkAttachment } from "./ContainerNetwork.ts"
import { parseInterfaceAddress, formatIp } from "./IpAddress.ts"
import { defaultNetworkName } from "./NetworkDefinition.ts"
import { type ExposedPort, portBindings, type PortMapping } from "./PortMapping.ts"

/** A container that has a network namespace with interfaces. */
export interface Connected {
  readonly id: string
  readonly hostname: string
  readonly attachments: ReadonlyArray<NetworkAttachment>
  readonly ports: ReadonlyArray<PortMapping>
  readonly exposed: ReadonlyArray<ExposedPort>
  /** Instead of networks: none, or all that the host has. */
  readonly mode?: "none" | "host" | undefined
}

/** Names that containers on a network find this one by, besides its own. */
export const aliasesOf = (
  { hostname, id }: Pick<Connected, "id" | "hostname">,
  { aliases }: NetworkAttachment,
): ReadonlyArray<string> => [...new Set([...aliases, id.slice(0, 12), hostname])]

interface Addresses {
  readonly Gateway: string
  readonly IPAddress: string
  readonly IPPrefixLen: number
  readonly IPv6Gateway: string
  readonly GlobalIPv6Address: string
  readonly GlobalIPv6PrefixLen: number
  readonly MacAddress: string
}

const noAddresses: Addresses = {
  Gateway: "",
  IPAddress: "",
  IPPrefixLen: 0,
  IPv6Gateway: "",
  GlobalIPv6Address: "",
  GlobalIPv6PrefixLen: 0,
  MacAddress: "",
}

const addressesOf = (placed: NetworkInterface | undefined): Addresses => {
  if (placed === undefined) return noAddresses
  let found: Addresses = { ...noAddresses, MacAddress: placed.mac_address }
  for (const { gateway = "", ipnet } of placed.subnets ?? []) {
    const parsed = parseInterfaceAddress(ipnet)
    if (parsed === undefined) continue
    const address = formatIp(parsed.address)
    found =
      parsed.address.family === 4
        ? { ...found, Gateway: gateway, IPAddress: address, IPPrefixLen: parsed.prefix }
        : { ...found, IPv6Gateway: gateway, GlobalIPv6Address: address, GlobalIPv6PrefixLen: parsed.prefix }
  }
  return found
}

const endpoint = (addresses: Addresses, network: string): EndpointReport => ({
  EndpointID: "",
  ...addresses,
  NetworkID: network,
  DriverOpts: null,
  IPAMConfig: null,
  Links: null,
})

/** The only interface that a container has on a network. */
export const interfaceOn = (status: NetworkStatus | undefined, network: string): NetworkInterface | undefined =>
  Object.values(status?.[network]?.interfaces ?? {})[0]

/** `status` is what the container got; absent while it does not run. `idOf` tells the id of a network. */
export const networkSettings = (
  container: Connected,
  context: {
    readonly status: NetworkStatus | undefined
    readonly sandboxKey: string
    readonly idOf: (network: string) => string
  },
): ContainerInspect["NetworkSettings"] => {
  const networks = container.attachments.map((attachment): readonly [string, EndpointReport] => [
    attachment.network,
    {
      ...endpoint(addressesOf(interfaceOn(context.status, attachment.network)), context.idOf(attachment.network)),
      DriverOpts: attachment.options ?? null,
      Aliases: aliasesOf(container, attachment),
    },
  ])
  const { mode } = container
  const shown = mode === undefined ? networks : [[mode, endpoint(noAddresses, mode)] as const]
  const [first] = networks
  // libpod repeats the addresses for containers that are on the default network alone
  const only = networks.length === 1 && first?.[0] === defaultNetworkName ? first[1] : undefined
  const { GlobalIPv6Address, GlobalIPv6PrefixLen, Gateway, IPAddress, IPPrefixLen, IPv6Gateway, MacAddress } =
    only ?? noAddresses
  return {
    EndpointID: "",
    Gateway,
    IPAddress,
    IPPrefixLen,
    IPv6Gateway,
    GlobalIPv6Address,
    GlobalIPv6PrefixLen,
    MacAddress,
    Bridge: "",
    SandboxID: "",
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    Ports: portBindings(container.ports, container.exposed),
    SandboxKey: context.sandboxKey,
    ...(shown.length === 0 ? {} : { Networks: Object.fromEntries(shown) }),
  }
}
