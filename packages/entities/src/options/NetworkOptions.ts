/** Options of the network commands, one struct each. */
import { address, bool, integer, type OptionValues, text, texts } from "../Option.ts"

const filter = texts({
  cli: "filter",
  short: "f",
  rest: "filters",
  description: "Provide filter values (e.g. 'name=podman')",
})

export const NetworkCreateFlags = {
  disableDns: bool({ cli: "disable-dns", rest: "dns_enabled", description: "Disable names on the network" }),
  dns: texts({ cli: "dns", rest: "network_dns_servers", description: "DNS servers this network will use" }),
  driver: text({ cli: "driver", short: "d", description: "Driver to manage the network", fallback: "bridge" }),
  gateway: texts({ cli: "gateway", description: "IPv4 or IPv6 gateway for the subnet" }),
  ignore: bool({ cli: "ignore", rest: "ignoreIfExists", description: "Don't fail if network already exists" }),
  interfaceName: text({
    cli: "interface-name",
    rest: "network_interface",
    description: "Interface name which is used by the driver",
  }),
  internal: bool({ cli: "internal", description: "Restrict external access from this network" }),
  ipRange: texts({
    cli: "ip-range",
    rest: "lease_range",
    description: "Allocate container IP from range (<CIDR> or <start>-<end>)",
  }),
  ipamDriver: text({ cli: "ipam-driver", rest: "ipam_options", description: "IP Address Management Driver" }),
  ipv6: bool({ cli: "ipv6", rest: "ipv6_enabled", description: "Enable IPv6 networking" }),
  label: texts({ cli: "label", rest: "labels", description: "Set metadata on a network" }),
  opt: texts({ cli: "opt", short: "o", rest: "options", description: "Set driver specific options" }),
  route: texts({ cli: "route", rest: "routes", description: "Static routes (<destination>,<gateway>[,<metric>])" }),
  subnet: texts({ cli: "subnet", rest: "subnets", description: "Subnets in CIDR format" }),
}
export type NetworkCreateFlags = OptionValues<typeof NetworkCreateFlags>

export interface NetworkCreateOptions extends NetworkCreateFlags {
  /** The empty text asks for the name of the bridge. */
  readonly name: string
}

export const NetworkListFlags = { filter }
export type NetworkListFlags = OptionValues<typeof NetworkListFlags>

export const NetworkRemoveFlags = {
  force: bool({ cli: "force", short: "f", description: "Remove any containers using network" }),
  time: integer({
    cli: "time",
    short: "t",
    rest: "timeout",
    description: "Seconds to wait for running containers to stop before killing the container",
    fallback: 10,
  }),
}
export type NetworkRemoveFlags = OptionValues<typeof NetworkRemoveFlags>

export const NetworkPruneFlags = {
  filter: texts({
    cli: "filter",
    rest: "filters",
    description: "Provide filter values (e.g. 'label=<key>=<value>')",
  }),
}
export type NetworkPruneFlags = OptionValues<typeof NetworkPruneFlags>

export const NetworkConnectFlags = {
  alias: texts({ cli: "alias", rest: "aliases", description: "Network scoped alias for container" }),
  ip: address({
    cli: "ip",
    rest: "static_ips",
    description: "Set a static IPv4 address for this container network",
  }),
  ip6: address({
    cli: "ip6",
    rest: "static_ips",
    description: "Set a static IPv6 address for this container network",
  }),
  macAddress: text({
    cli: "mac-address",
    rest: "static_mac",
    description: "Set a static MAC address for this container network",
  }),
}
export type NetworkConnectFlags = OptionValues<typeof NetworkConnectFlags>

export const NetworkDisconnectFlags = {
  force: bool({
    cli: "force",
    short: "f",
    rest: "Force",
    description: "Force removal of container from network",
  }),
}
export type NetworkDisconnectFlags = OptionValues<typeof NetworkDisconnectFlags>
