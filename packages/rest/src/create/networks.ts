/** Networks, ports and names of a SpecGenerator (podman `pkg/specgen/{specgen,podspecgen}.go`), and the options that mean them, both ways. */
import {
  type ContainerNetworkFlags,
  exposedProtocols,
  type NetworkAttachment,
  type NetworkMode,
  type NetworkOptionInvalid,
  networkWish,
  readAttachment,
  PortMapping,
} from "@cryopod/entities"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { NotSupported } from "@cryopod/entities"
import { namespaceText, SpecNamespace } from "./namespaces.ts"

const strings = Schema.Array(Schema.String)
const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** A container's place on a network (containers/common `libnetwork/types`, PerNetworkOptions). */
export const PerNetwork = Schema.Struct({
  static_ips: optional(strings),
  static_mac: optional(Schema.String),
  aliases: optional(strings),
  interface_name: optional(Schema.String),
  options: optional(Schema.Record(Schema.String, Schema.String)),
})

/** Fields that containers and pods have alike. */
export const networkFields = {
  netns: optional(SpecNamespace),
  /** By name; `default` is the default network. */
  Networks: optional(Schema.Record(Schema.String, PerNetwork)),
  portmappings: optional(
    Schema.Array(
      Schema.Struct({
        host_ip: Schema.optionalKey(PortMapping.fields.host_ip),
        container_port: PortMapping.fields.container_port,
        host_port: Schema.optionalKey(PortMapping.fields.host_port),
        range: Schema.optionalKey(PortMapping.fields.range),
        /** Several with commas between them. */
        protocol: Schema.optionalKey(Schema.String),
      }),
    ),
  ),
  /** Protocols by port. */
  expose: optional(Schema.Record(Schema.String, Schema.String)),
  dns_server: optional(strings),
  dns_search: optional(strings),
  dns_option: optional(strings),
  hostadd: optional(strings),
  use_image_resolve_conf: optional(Schema.Boolean),
  use_image_hosts: optional(Schema.Boolean),
  /** What pods call the two. */
  no_manage_resolv_conf: optional(Schema.Boolean),
  no_manage_hosts: optional(Schema.Boolean),
}

const Networked = Schema.Struct(networkFields)
type Networked = typeof Networked.Type

export const networkFlagsFrom = (spec: Networked): Result.Result<ContainerNetworkFlags, NotSupported> =>
  Result.map(namespaceText("the network mode", spec.netns, ["none", "private", "bridge"]), (mode) => {
    const networks = Object.entries(spec.Networks ?? {}).map(([name, options]) => networkText(name, options))
    const bridged = networks.length > 0 && (mode === "" || mode === "private" || mode === "bridge")
    const unmanaged = (spec.use_image_resolve_conf ?? spec.no_manage_resolv_conf) === true
    return {
      network: bridged ? networks : mode === "" ? [] : [mode],
      ip: "",
      ip6: "",
      macAddress: "",
      networkAlias: [],
      publish: (spec.portmappings ?? []).flatMap((mapping) =>
        (mapping.protocol || "tcp").split(",").map((protocol) => publishText({ ...mapping, protocol })),
      ),
      expose: Object.entries(spec.expose ?? {}).flatMap(([port, protocols]) =>
        (protocols || "tcp").split(",").map((protocol) => `${port}/${protocol}`),
      ),
      dns: unmanaged ? ["none"] : (spec.dns_server ?? []),
      dnsSearch: spec.dns_search ?? [],
      dnsOption: spec.dns_option ?? [],
      addHost: spec.hostadd ?? [],
      noHosts: (spec.use_image_hosts ?? spec.no_manage_hosts) === true,
    }
  })

const networkText = (name: string, options: typeof PerNetwork.Type): string => {
  const words = [
    ...(options.static_ips ?? []).map((ip) => `ip=${ip}`),
    ...(options.static_mac ? [`mac=${macText(options.static_mac)}`] : []),
    ...(options.aliases ?? []).map((alias) => `alias=${alias}`),
    ...(options.interface_name ? [`interface_name=${options.interface_name}`] : []),
    ...Object.entries(options.options ?? {}).map(([key, value]) => `${key}=${value}`),
  ]
  const network = name === "default" ? "bridge" : name
  return words.length === 0 ? network : `${network}:${words.join(",")}`
}

/** Older clients send the bytes (Go's `net.HardwareAddr` as base64). */
const macText = (text: string): string =>
  /^[A-Za-z0-9+/]{8}$/.test(text)
    ? [...Buffer.from(text, "base64")].map((byte) => byte.toString(16).padStart(2, "0")).join(":")
    : text

const publishText = (mapping: NonNullable<NonNullable<Networked["portmappings"]>[number]>): string => {
  const { container_port, host_ip = "", host_port = 0, protocol, range = 1 } = mapping
  const span = (first: number) => (range > 1 ? `${first}-${first + range - 1}` : String(first))
  const address = host_ip.includes(":") ? `[${host_ip}]` : host_ip
  const host = host_port === 0 ? "" : span(host_port)
  const outside = address === "" && host === "" ? "" : address === "" ? `${host}:` : `${address}:${host}:`
  return `${outside}${span(container_port)}/${protocol}`
}

/** For Podman's service: what the options mean, in its fields. */
export const networkSpecOf = (flags: ContainerNetworkFlags): Result.Result<Networked, NetworkOptionInvalid> =>
  Result.map(networkWish(flags), ({ attachments, exposed, mode, names, published }) => ({
    netns: specMode(mode),
    ...(attachments.length === 0 ? {} : { Networks: Object.fromEntries(attachments.map(perNetwork)) }),
    ...(published.length === 0 ? {} : { portmappings: published }),
    ...(exposed.length === 0
      ? {}
      : {
          expose: Object.fromEntries(
            Object.entries(exposedProtocols(exposed)).map(([port, protocols]) => [port, protocols.join(",")]),
          ),
        }),
    ...(names.servers.length === 0 ? {} : { dns_server: names.servers }),
    ...(names.searches.length === 0 ? {} : { dns_search: names.searches }),
    ...(names.options.length === 0 ? {} : { dns_option: names.options }),
    ...(names.hosts.length === 0 ? {} : { hostadd: names.hosts }),
    ...(names.unmanaged ? { use_image_resolve_conf: true, no_manage_resolv_conf: true } : {}),
    ...(names.noHosts ? { use_image_hosts: true, no_manage_hosts: true } : {}),
  }))

const specMode = (mode: NetworkMode): SpecNamespace => {
  switch (mode._tag) {
    case "Default":
      return {}
    case "Container":
      return { nsmode: "container", value: mode.ref }
    case "Pod":
      return { nsmode: "from-pod" }
    default:
      return { nsmode: mode._tag.toLowerCase() }
  }
}

const perNetwork = (attachment: NetworkAttachment) => [attachment.network, placeOf(attachment)] as const

export const placeOf = ({ aliases, interfaceName, ips, mac, options }: NetworkAttachment): typeof PerNetwork.Type => ({
  ...(ips.length === 0 ? {} : { static_ips: ips }),
  ...(mac === undefined ? {} : { static_mac: mac }),
  ...(aliases.length === 0 ? {} : { aliases }),
  ...(interfaceName === undefined ? {} : { interface_name: interfaceName }),
  ...(options === undefined ? {} : { options }),
})

/** The way back, for a network that is named elsewhere. */
export const attachmentFrom = (
  network: string,
  { aliases, interface_name, options, static_ips, static_mac }: typeof PerNetwork.Type,
): Result.Result<NetworkAttachment, NetworkOptionInvalid> =>
  readAttachment({
    network,
    ips: static_ips ?? [],
    ...(static_mac ? { mac: macText(static_mac) } : {}),
    aliases: aliases ?? [],
    ...(interface_name ? { interfaceName: interface_name } : {}),
    ...(options ? { options } : {}),
  })
