/**
 * From what a caller asks for to the definition of a bridge network, as libpod fills it in (Podman 5.4
 * `cmd/podman/networks/create.go`, containers/common `libnetwork/internal/util`). Pure.
 *
 * What can be told from the options alone is told first (`networkWanted`); the rest depends on the networks there are and
 * on the host, and is decided in one go (`networkDefinition`) so that two who ask at once get different answers.
 */
import * as Result from "effect/Result"
import { NetworkDefinitionInvalid } from "../failures/NetworkFailures.ts"
import type { NetworkCreateOptions } from "../options/NetworkOptions.ts"
import type { Network, NetworkSubnet } from "../reports/NetworkReports.ts"
import {
  formatIp,
  formatSubnet,
  hostsOf,
  type IpAddress,
  type IpSubnet,
  lastOf,
  parseIp,
  parseSubnet,
  plus,
  subnetHas,
  subnetsOverlap,
} from "./IpAddress.ts"
import { keyValues } from "./KeyValues.ts"

/** The network of containers that ask for none: Podman's own, so that addresses mean the same in both. */
export const defaultNetworkName = "podman"

/** Everything of it but the instant. The id is the SHA-256 of the name, as Podman has it. */
export const defaultNetwork: Omit<Network, "created"> = {
  name: defaultNetworkName,
  id: "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9",
  driver: "bridge",
  network_interface: "podman0",
  subnets: [{ subnet: "10.88.0.0/16", gateway: "10.88.0.1" }],
  ipv6_enabled: false,
  internal: false,
  dns_enabled: false,
  ipam_options: { driver: "host-local" },
}

interface WantedSubnet {
  readonly subnet: IpSubnet
  readonly gateway?: IpAddress
  readonly range?: { readonly start: IpAddress; readonly end: IpAddress }
}

/** A network as far as its options say. */
export interface NetworkWanted {
  readonly name: string
  readonly interfaceName: string
  readonly subnets: ReadonlyArray<WantedSubnet>
  /** Families for which a subnet is to be found besides. */
  readonly families: ReadonlyArray<4 | 6>
  readonly internal: boolean
  readonly dns: boolean
  readonly dnsServers: ReadonlyArray<string>
  readonly routes: NonNullable<Network["routes"]>
  readonly labels: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, string>>
}

type Problem = NetworkDefinitionInvalid["problem"]
type Checked<A> = Result.Result<A, NetworkDefinitionInvalid>

const invalid = (problem: Problem, value = "", other?: string) =>
  Result.fail(new NetworkDefinitionInvalid({ problem, value, ...(other === undefined ? {} : { other }) }))

const reservedNames = new Set([
  "bridge",
  "container",
  "default",
  "host",
  "none",
  "ns",
  "pasta",
  "pod",
  "private",
  "slirp4netns",
])

export const networkWanted = (options: NetworkCreateOptions): Checked<NetworkWanted> =>
  Result.gen(function* () {
    const { name } = options
    if (name !== "" && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) return yield* invalid("name", name)
    if (reservedNames.has(name)) return yield* invalid("reserved", name)
    if (options.driver !== "bridge") return yield* invalid("driver", options.driver)
    if (!["", "host-local"].includes(options.ipamDriver)) return yield* invalid("ipamDriver", options.ipamDriver)
    const { interfaceName, values } = yield* bridgeOptions(keyValues(options.opt))
    const bridge = options.interfaceName || interfaceName
    if (bridge !== "" && !/^[^/\s]{1,15}$/.test(bridge)) return yield* invalid("interface", bridge)
    if (options.dns.length > 0 && options.disableDns) return yield* invalid("dnsDisabled")
    const nameless = options.dns.find((server) => parseIp(server) === undefined)
    if (nameless !== undefined) return yield* invalid("dnsServer", nameless)
    const subnets = yield* wantedSubnets(options)
    return {
      name,
      interfaceName: bridge,
      subnets,
      families: missingFamilies(options.ipv6, subnets),
      internal: options.internal,
      dns: !options.disableDns,
      dnsServers: options.dns,
      routes: yield* routesOf(options.route),
      labels: keyValues(options.label),
      options: values,
    }
  })

/** Without subnets of the caller's own, or when IPv6 is asked for by name, every family wanted has one. */
const missingFamilies = (ipv6: boolean, subnets: ReadonlyArray<WantedSubnet>): ReadonlyArray<4 | 6> => {
  if (subnets.length > 0 && !ipv6) return []
  return ([4, 6] as const)
    .filter((family) => family === 4 || ipv6)
    .filter((family) => !subnets.some(({ subnet }) => subnet.network.family === family))
}

const wantedSubnets = ({ gateway, ipRange, subnet }: NetworkCreateOptions): Checked<ReadonlyArray<WantedSubnet>> =>
  Result.gen(function* () {
    const gateways = gateway.flatMap((text) => text.split(","))
    if (subnet.length === 0 && gateways.length + ipRange.length > 0) return yield* invalid("withoutSubnet")
    if (gateways.length > subnet.length) return yield* invalid("moreGateways")
    if (ipRange.length > subnet.length) return yield* invalid("moreRanges")
    const wanted: Array<WantedSubnet> = []
    for (const [at, text] of subnet.entries()) {
      const parsed = parseSubnet(text)
      if (parsed === undefined) return yield* invalid("cidr", text)
      wanted.push({
        subnet: parsed,
        ...(yield* gatewayOf(parsed, gateways[at])),
        ...(yield* rangeOf(parsed, ipRange[at])),
      })
    }
    return wanted
  })

const gatewayOf = (subnet: IpSubnet, text: string | undefined): Checked<Pick<WantedSubnet, "gateway">> => {
  if (text === undefined) return Result.succeed({})
  const gateway = parseIp(text)
  if (gateway === undefined) return invalid("gateway", text)
  return subnetHas(subnet, gateway)
    ? Result.succeed({ gateway })
    : invalid("gatewayOutside", text, formatSubnet(subnet))
}

/** A smaller subnet, or the first and the last address. */
const rangeOf = (subnet: IpSubnet, text: string | undefined): Checked<Pick<WantedSubnet, "range">> => {
  if (text === undefined) return Result.succeed({})
  const part = parseSubnet(text)
  const [from = "", to = ""] = text.split("-")
  const start = part === undefined ? parseIp(from) : plus(part.network, 1n)
  const end = part === undefined ? parseIp(to) : lastOf(part)
  if (start === undefined || end === undefined) return invalid("range", text)
  if (!subnetHas(subnet, start)) return invalid("rangeStartOutside", formatIp(start), formatSubnet(subnet))
  if (!subnetHas(subnet, end)) return invalid("rangeEndOutside", formatIp(end), formatSubnet(subnet))
  return Result.succeed({ range: { start, end } })
}

const numeric = (value: string) => /^[+-]?\d+$/.test(value)
const booleans: Readonly<Record<string, string | undefined>> = {
  "1": "true",
  t: "true",
  true: "true",
  "0": "false",
  f: "false",
  false: "false",
}

/** Options of the driver, as netavark spells them; Docker's names for the same things are taken too. */
const bridgeOptions = (
  given: Readonly<Record<string, string>>,
): Checked<{ readonly interfaceName: string; readonly values: Readonly<Record<string, string>> }> => {
  const values: Record<string, string> = {}
  let interfaceName = ""
  for (const [key, value] of Object.entries(given)) {
    switch (key) {
      case "mtu":
      case "com.docker.network.driver.mtu":
        if (!numeric(value)) return invalid("optionNumber", value)
        values["mtu"] = value
        break
      case "vlan":
        if (!numeric(value)) return invalid("optionNumber", value)
        if (Number(value) < 0 || Number(value) > 4094) return invalid("vlan", value)
        values[key] = value
        break
      case "metric":
        if (!numeric(value)) return invalid("optionNumber", value)
        values[key] = value
        break
      case "isolate":
      case "no_default_route": {
        const flag = value === "strict" ? value : booleans[value.toLowerCase()]
        if (flag === undefined) return invalid("optionBoolean", value, key)
        values[key] = flag
        break
      }
      case "com.docker.network.bridge.name":
        interfaceName = value
        break
      default:
        return invalid("option", key)
    }
  }
  return Result.succeed({ interfaceName, values })
}

const routesOf = (texts: ReadonlyArray<string>): Checked<NetworkWanted["routes"]> => {
  const routes: Array<NetworkWanted["routes"][number]> = []
  for (const text of texts) {
    const [destination = "", gateway = "", metric, ...rest] = text.split(",")
    const subnet = parseSubnet(destination)
    const hop = parseIp(gateway)
    const fits = metric === undefined || /^\d+$/.test(metric)
    if (subnet === undefined || hop === undefined || !fits || rest.length > 0) return invalid("route", text)
    routes.push({
      destination: formatSubnet(subnet),
      gateway: formatIp(hop),
      ...(metric === undefined ? {} : { metric: Number(metric) }),
    })
  }
  return Result.succeed(routes)
}

/** What a new network must not clash with, and what is drawn for it. */
export interface NetworkSurroundings {
  readonly networks: ReadonlyArray<Network>
  /** Interfaces of the host, and the subnets they are in. */
  readonly hostInterfaces: ReadonlyArray<string>
  readonly hostSubnets: ReadonlyArray<IpSubnet>
  readonly id: string
  readonly created: string
  /** A random subnet of 64 bits of fd00::/8 (RFC 4193). */
  readonly uniqueLocal: IpSubnet
}

/** Where subnets are taken from when none is asked for, in turn (containers/common `containers.conf`, default_subnet_pools). */
const pools = ["10.89.0.0/16", "10.90.0.0/15", "10.92.0.0/14", "10.96.0.0/11", "10.128.0.0/9"].flatMap(
  (text) => parseSubnet(text) ?? [],
)
const pooledPrefix = 24

export const networkDefinition = (wanted: NetworkWanted, around: NetworkSurroundings): Checked<Network> =>
  Result.gen(function* () {
    const taken = around.networks.flatMap(({ network_interface: name }) => name ?? [])
    if (taken.includes(wanted.interfaceName)) return yield* invalid("interfaceUsed", wanted.interfaceName)
    const bridge = wanted.interfaceName || freeInterface(new Set([...around.hostInterfaces, ...taken]))
    const subnets = yield* chosenSubnets(wanted, around)
    return {
      name: wanted.name || bridge,
      id: around.id,
      driver: "bridge",
      network_interface: bridge,
      created: around.created,
      // an internal network needs a gateway only to ask it for names
      subnets: yield* describedSubnets(subnets, !wanted.internal || wanted.dns),
      ...(wanted.routes.length === 0 ? {} : { routes: wanted.routes }),
      ipv6_enabled: subnets.some(({ subnet }) => subnet.network.family === 6),
      internal: wanted.internal,
      dns_enabled: wanted.dns,
      ...(wanted.dnsServers.length === 0 ? {} : { network_dns_servers: wanted.dnsServers }),
      ...(Object.keys(wanted.labels).length === 0 ? {} : { labels: wanted.labels }),
      ...(Object.keys(wanted.options).length === 0 ? {} : { options: wanted.options }),
      ipam_options: { driver: "host-local" },
    }
  })

const freeInterface = (taken: ReadonlySet<string>): string => {
  for (let number = 1; ; number++) if (!taken.has(`podman${number}`)) return `podman${number}`
}

/** Those that were asked for, none of which may be in use, and free ones for the families that are left. */
const chosenSubnets = (
  { families, subnets }: NetworkWanted,
  around: NetworkSurroundings,
): Checked<ReadonlyArray<WantedSubnet>> => {
  const used = [
    ...around.hostSubnets,
    ...around.networks.flatMap((network) => (network.subnets ?? []).flatMap(({ subnet }) => parseSubnet(subnet) ?? [])),
  ]
  for (const { subnet } of subnets) {
    if (used.some((other) => subnetsOverlap(other, subnet))) return invalid("subnetUsed", formatSubnet(subnet))
    used.push(subnet)
  }
  const found: Array<WantedSubnet> = []
  for (const family of families) {
    const subnet = family === 6 ? around.uniqueLocal : freeSubnet(used)
    if (subnet === undefined || used.some((other) => subnetsOverlap(other, subnet))) return invalid("subnetsUsed")
    found.push({ subnet })
  }
  return Result.succeed([...subnets, ...found])
}

const freeSubnet = (used: ReadonlyArray<IpSubnet>): IpSubnet | undefined => {
  for (const pool of pools) {
    const size = 1n << BigInt(32 - pooledPrefix)
    for (let network = pool.network; subnetHas(pool, network); network = plus(network, size)) {
      const subnet = { network, prefix: pooledPrefix }
      if (!used.some((other) => subnetsOverlap(other, subnet))) return subnet
    }
  }
  return undefined
}

const describedSubnets = (
  subnets: ReadonlyArray<WantedSubnet>,
  withGateway: boolean,
): Checked<ReadonlyArray<NetworkSubnet>> => {
  const described: Array<NetworkSubnet> = []
  for (const { gateway, range, subnet } of subnets) {
    const { first, last } = hostsOf(subnet)
    if (first.value >= last.value) return invalid("subnetSmall", formatSubnet(subnet))
    const chosen = gateway ?? (withGateway ? first : undefined)
    described.push({
      subnet: formatSubnet(subnet),
      ...(chosen === undefined ? {} : { gateway: formatIp(chosen) }),
      ...(range === undefined ? {} : { lease_range: { start_ip: formatIp(range.start), end_ip: formatIp(range.end) } }),
    })
  }
  return Result.succeed(described)
}
