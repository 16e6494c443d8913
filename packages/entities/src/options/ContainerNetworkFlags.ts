/** What a container, or the pod that it shares a network with, has of networks, names and ports. */
import { bool, type OptionValues, text, texts } from "../Option.ts"

export const ContainerNetworkFlags = {
  network: texts({
    cli: "network",
    aliases: ["net"],
    rest: "netns",
    description:
      "Connect a container to a network: bridge, none, host, container:<name|id>, or <network>[:ip=,mac=,alias=,interface_name=]",
  }),
  ip: text({ cli: "ip", rest: "static_ip", description: "Specify a static IPv4 address for the container" }),
  ip6: text({ cli: "ip6", rest: "static_ipv6", description: "Specify a static IPv6 address for the container" }),
  macAddress: text({
    cli: "mac-address",
    rest: "static_mac",
    description: "Container MAC address (e.g. 92:d0:c6:0a:29:33)",
  }),
  networkAlias: texts({
    cli: "network-alias",
    rest: "aliases",
    description: "Add network-scoped alias for the container",
  }),
  publish: texts({
    cli: "publish",
    short: "p",
    rest: "portmappings",
    description: "Publish a container's port, or a range of ports, to the host",
  }),
  expose: texts({ cli: "expose", rest: "expose", description: "Expose a port, or a range of ports" }),
  dns: texts({ cli: "dns", rest: "dns_server", description: "Set custom DNS servers" }),
  dnsSearch: texts({ cli: "dns-search", rest: "dns_search", description: "Set custom DNS search domains" }),
  dnsOption: texts({ cli: "dns-option", rest: "dns_option", description: "Set custom DNS options" }),
  addHost: texts({
    cli: "add-host",
    rest: "hostadd",
    description: "Add a custom host-to-IP mapping (host:ip)",
  }),
  noHosts: bool({
    cli: "no-hosts",
    rest: "base_hosts_file",
    description: "Do not create /etc/hosts within the container, instead use the version from the image",
  }),
}
export type ContainerNetworkFlags = OptionValues<typeof ContainerNetworkFlags>
