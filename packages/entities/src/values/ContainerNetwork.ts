/**
 * What a container asks for of networks, names and ports, read from its options in one go
 * (Podman 5.4 `pkg/specgen/namespaces.go` ParseNetworkFlag, `cmd/podman/common/netflags.go`). Pure.
 */
import * as Result from "effect/Result"
import { NetworkOptionInvalid } from "../failures/NetworkFailures.ts"
import type { ContainerNetworkFlags } from "../options/ContainerNetworkFlags.ts"
import { parseIp } from "./IpAddress.ts"
import { parseMac } from "./MacAddress.ts"
import type { NamespaceMode } from "./NamespaceMode.ts"
import { defaultNetworkName } from "./NetworkDefinition.ts"
import { type ExposedPort, parseExpose, parsePublish, type PortMapping } from "./PortMapping.ts"

/** A container's place on a network; what is not named is the network's choice. */
export interface NetworkAttachment {
  /** Name of the network; of one that is asked for, also the beginning of its id. */
  readonly network: string
  /** Addresses that were asked for, at most one a subnet. */
  readonly ips: ReadonlyArray<string>
  readonly mac?: string
  /** Further names that containers on the network find this one by. */
  readonly aliases: ReadonlyArray<string>
  /** `eth0` and so on, by the place in the list, when absent. */
  readonly interfaceName?: string
  readonly options?: Readonly<Record<string, string>>
}

/** How a container finds names. */
export interface NameResolution {
  /** The container has what its image has, or its own /etc/resolv.conf. */
  readonly unmanaged: boolean
  readonly servers: ReadonlyArray<string>
  readonly searches: ReadonlyArray<string>
  readonly options: ReadonlyArray<string>
  /** Lines of /etc/hosts as `NAME:ADDRESS`. */
  readonly hosts: ReadonlyArray<string>
  /** The container has the /etc/hosts of its image. */
  readonly noHosts: boolean
}

/** A network namespace as it is asked for. */
export type NetworkMode = NamespaceMode | { readonly _tag: "None" } | { readonly _tag: "Bridge" }

export interface NetworkWish {
  readonly mode: NetworkMode
  /** With the mode `Bridge`, and with `Default`, where they apply when the container gets a namespace of its own. */
  readonly attachments: ReadonlyArray<NetworkAttachment>
  readonly published: ReadonlyArray<PortMapping>
  readonly exposed: ReadonlyArray<ExposedPort>
  readonly names: NameResolution
}

type Checked<A> = Result.Result<A, NetworkOptionInvalid>
type Problem = NetworkOptionInvalid["problem"]

const invalid = (problem: Problem, value = "", detail?: string) =>
  Result.fail(new NetworkOptionInvalid({ problem, value, ...(detail === undefined ? {} : { detail }) }))

export const networkWish = (flags: ContainerNetworkFlags): Checked<NetworkWish> =>
  Result.gen(function* () {
    const { attachments, mode } = yield* networkMode(flags.network)
    const published: Array<PortMapping> = []
    for (const text of separated(flags.publish)) published.push(...(yield* parsePublish(text)))
    const exposed: Array<ExposedPort> = []
    for (const text of separated(flags.expose)) exposed.push(...(yield* parseExpose(text)))
    const names = yield* nameResolution(flags)
    return { mode, attachments: yield* withSingleOptions(flags, mode, attachments), published, exposed, names }
  })

/** Lists that Podman splits at commas as well. */
const separated = (texts: ReadonlyArray<string>) => texts.flatMap((text) => text.split(","))

/** Modes that exist for one container alone, and those that this engine does not have. */
const modeWords = [
  "bridge",
  "container",
  "default",
  "host",
  "none",
  "ns",
  "pasta",
  "path",
  "pod",
  "private",
  "slirp4netns",
] as const

interface Chosen {
  readonly mode: NetworkMode
  readonly attachments: ReadonlyArray<NetworkAttachment>
}

const networkMode = ([first = "", ...more]: ReadonlyArray<string>): Checked<Chosen> =>
  Result.gen(function* () {
    const chosen = yield* firstMode(first)
    if (more.length === 0) return chosen
    if (chosen.mode._tag !== "Bridge") return yield* invalid("extraNetworks", first === "" ? "private" : first)
    const attachments = [...chosen.attachments]
    for (const text of more) {
      const [name, options] = cut(text, ":")
      if (modeWords.some((word) => word === name)) return yield* invalid("modeConflict", name)
      attachments.push(yield* attachment(name, options))
    }
    const seen = new Map(attachments.map((one) => [one.network, one]))
    return { ...chosen, attachments: [...seen.values()] }
  })

const firstMode = (text: string): Checked<Chosen> => {
  const [name, options] = cut(text, ":")
  const plain = (mode: NetworkMode): Checked<Chosen> => Result.succeed({ mode, attachments: [] })
  if (text === "" || text === "default") return plain({ _tag: "Default" })
  if (text === "none") return plain({ _tag: "None" })
  if (text === "host") return plain({ _tag: "Host" })
  if (text === "pod") return plain({ _tag: "Pod" })
  if (name === "container" && options !== undefined && options !== "") return plain({ _tag: "Container", ref: options })
  if (name === "bridge" || text === "private") {
    return Result.map(attachment(defaultNetworkName, options), (one) => ({
      mode: { _tag: "Bridge" },
      attachments: [one],
    }))
  }
  if (["container", "ns", "pasta", "slirp4netns"].includes(name)) return invalid("networkMode", text)
  const names = options === undefined ? text.split(",") : [name]
  return Result.map(Result.all(names.map((one) => attachment(one, options))), (attachments) => ({
    mode: { _tag: "Bridge" },
    attachments,
  }))
}

const cut = (text: string, separator: string): readonly [string, string | undefined] => {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

/** `ip=10.88.0.5,mac=…,alias=db,interface_name=eth3`. */
const attachment = (network: string, options: string | undefined): Checked<NetworkAttachment> =>
  Result.gen(function* () {
    if (network === "") return yield* invalid("networkName")
    const wrong = (detail: string) => invalid("networkOption", network, detail)
    const ips: Array<string> = []
    const aliases: Array<string> = []
    const further: Record<string, string> = {}
    let mac: string | undefined
    let interfaceName: string | undefined
    for (const word of (options ?? "").split(",").filter((text) => text !== "")) {
      const [key, value = ""] = cut(word, "=")
      switch (key) {
        case "ip":
        case "ip6":
          if (parseIp(value) === undefined) return yield* wrong(`invalid ip address ${JSON.stringify(value)}`)
          ips.push(value)
          break
        case "mac":
          mac = parseMac(value)
          if (mac === undefined) return yield* wrong(`address ${value}: invalid MAC address`)
          break
        case "alias":
          if (value === "") return yield* wrong("alias cannot be empty")
          aliases.push(value)
          break
        case "interface_name":
          if (!/^[^/\s]{1,15}$/.test(value)) return yield* wrong(`invalid interface name ${JSON.stringify(value)}`)
          interfaceName = value
          break
        default:
          further[key] = value
      }
    }
    return {
      network,
      ips,
      ...(mac === undefined ? {} : { mac }),
      aliases,
      ...(interfaceName === undefined ? {} : { interfaceName }),
      ...(Object.keys(further).length === 0 ? {} : { options: further }),
    }
  })

/** A place on a network whose addresses can be read. */
export const readAttachment = (wanted: NetworkAttachment): Checked<NetworkAttachment> => {
  const unreadable = wanted.ips.find((text) => parseIp(text) === undefined)
  if (unreadable !== undefined) return invalid("ip", unreadable)
  if (wanted.mac === undefined) return Result.succeed(wanted)
  const mac = parseMac(wanted.mac)
  return mac === undefined ? invalid("mac", wanted.mac) : Result.succeed({ ...wanted, mac })
}

/** The options that are about the only network of a container, or about every one. */
const withSingleOptions = (
  { ip, ip6, macAddress, networkAlias }: ContainerNetworkFlags,
  mode: NetworkMode,
  chosen: ReadonlyArray<NetworkAttachment>,
): Checked<ReadonlyArray<NetworkAttachment>> =>
  Result.gen(function* () {
    const unreadable = [ip, ip6].find((text) => text !== "" && parseIp(text) === undefined)
    if (unreadable !== undefined) return yield* invalid("ip", unreadable)
    const mac = macAddress === "" ? undefined : parseMac(macAddress)
    if (macAddress !== "" && mac === undefined) return yield* invalid("mac", macAddress)
    const bridges = mode._tag === "Bridge" || mode._tag === "Default"
    const asks = ip + ip6 + macAddress !== "" || networkAlias.length > 0
    const attachments =
      mode._tag === "Default" && asks ? [{ network: defaultNetworkName, ips: [], aliases: [] }] : chosen
    for (const [option, value] of [
      ["ip", ip],
      ["ip6", ip6],
      ["mac-address", macAddress],
    ] as const) {
      if (value === "") continue
      if (!bridges) return yield* invalid("onlyBridge", option)
      if (attachments.length > 1) return yield* invalid("onlySingle", option)
    }
    if (networkAlias.length > 0 && !bridges) return yield* invalid("onlyBridge", "network-alias")
    return attachments.map((one) => ({
      ...one,
      ips: [...one.ips, ...[ip, ip6].filter((text) => text !== "")],
      ...(mac === undefined ? {} : { mac }),
      aliases: [...one.aliases, ...separated(networkAlias)],
    }))
  })

const nameResolution = ({
  addHost,
  dns,
  dnsOption,
  dnsSearch,
  noHosts,
}: ContainerNetworkFlags): Checked<NameResolution> =>
  Result.gen(function* () {
    const servers = separated(dns)
    const unmanaged = servers.includes("none")
    if (unmanaged && servers.length > 1) return yield* invalid("dnsNone")
    const nameless = unmanaged ? undefined : servers.find((server) => parseIp(server) === undefined)
    if (nameless !== undefined) return yield* invalid("dns", nameless)
    if (noHosts && addHost.length > 0) return yield* invalid("noHosts")
    for (const text of addHost) {
      const [names, address] = cut(text, ":")
      if (names === "" || address === undefined || address === "") return yield* invalid("addHost", text)
      if (address !== hostGateway && parseIp(address) === undefined) return yield* invalid("addHostIp", address)
    }
    return {
      unmanaged,
      servers: unmanaged ? [] : servers,
      searches: separated(dnsSearch),
      options: separated(dnsOption),
      hosts: addHost,
      noHosts,
    }
  })

/** Stands for the address at which a container reaches its host. */
export const hostGateway = "host-gateway"
