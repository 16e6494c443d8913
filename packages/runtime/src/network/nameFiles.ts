/**
 * What a container reads as /etc/hosts and /etc/resolv.conf (Podman 5.4 `libpod/container_internal_common.go`,
 * containers/common `libnetwork/{etchosts,resolvconf}`). Pure.
 */
import { hostGateway, type NameResolution } from "@cryopod/entities"

/** Lines of a file that say something, in words. */
const linesOf = (text: string): ReadonlyArray<ReadonlyArray<string>> =>
  text
    .split("\n")
    .map((line) => (line.split(/[#;]/)[0] ?? "").trim())
    .filter((line) => line !== "")
    .map((line) => line.split(/\s+/))

export interface HostsInputs {
  /** The host's own file. */
  readonly base: string
  readonly names: Pick<NameResolution, "hosts">
  /** Where the container reaches its host; nothing is said of it when absent. */
  readonly gateway: string | undefined
  /** The container's own addresses. */
  readonly addresses: ReadonlyArray<string>
  /** The container's own names. */
  readonly own: ReadonlyArray<string>
}

export const hostsText = ({ addresses, base, gateway, names, own }: HostsInputs): string => {
  const asked = names.hosts.flatMap((text) => {
    const at = text.indexOf(":")
    const address = text.slice(at + 1) === hostGateway ? gateway : text.slice(at + 1)
    return address === undefined ? [] : [[address, ...text.slice(0, at).split(";")]]
  })
  const entries = [
    ...asked,
    ...linesOf(base),
    ...(gateway === undefined ? [] : [[gateway, "host.containers.internal", "host.docker.internal"]]),
    ...addresses.map((address) => [address, ...new Set(own)]),
  ]
  return entries.map(([address = "", ...words]) => `${address}\t${words.join(" ")}\n`).join("")
}

/** The file of a network namespace with one more container in it; undefined when it is in there already. */
export const hostsWith = (text: string, name: string): string | undefined =>
  linesOf(text).some(([, ...words]) => words.includes(name)) ? undefined : `${text}127.0.0.1\t${name}\n`

/** The file of a container that has addresses more than before. */
export const hostsPlus = (text: string, addresses: ReadonlyArray<string>, own: ReadonlyArray<string>): string =>
  text + addresses.map((address) => `${address}\t${[...new Set(own)].join(" ")}\n`).join("")

/** The file of a container that has some addresses no more. */
export const hostsMinus = (text: string, addresses: ReadonlyArray<string>): string =>
  withoutLines(text, ([address = ""]) => addresses.includes(address))

/** The file of a container with name servers more, which are asked first. */
export const resolverPlus = (text: string, servers: ReadonlyArray<string>): string => {
  const lines = servers.map((server) => `nameserver ${server}\n`).join("")
  const first = text.search(/^nameserver /m)
  return first < 0 ? text + lines : text.slice(0, first) + lines + text.slice(first)
}

/** The file of a container with some of its name servers no more. */
export const resolverMinus = (text: string, servers: ReadonlyArray<string>): string =>
  withoutLines(text, ([word, server = ""]) => word === "nameserver" && servers.includes(server))

/** Lines that are not meant stay as they are. */
const withoutLines = (text: string, meant: (words: ReadonlyArray<string>) => boolean): string =>
  text
    .split(/(?<=\n)/)
    .filter((line) => !linesOf(line).some(meant))
    .join("")

export interface ResolverInputs {
  /** The host's own file. */
  readonly base: string
  readonly names: Pick<NameResolution, "servers" | "searches" | "options">
  /** Servers and search domains of the container's networks. */
  readonly networks: { readonly servers: ReadonlyArray<string>; readonly searches: ReadonlyArray<string> }
  /** The host's loopback is not the container's. */
  readonly ownNamespace: boolean
}

/** Servers that Podman falls back on where the host has none that a container could reach. */
const publicServers = ["8.8.8.8", "8.8.4.4"]

export const resolverText = ({ base, names, networks, ownNamespace }: ResolverInputs): string => {
  const lines = linesOf(base)
  const said = (key: string) => lines.filter(([word]) => word === key).map(([, ...values]) => values)
  const host = said("nameserver")
    .flat()
    .filter((server) => !ownNamespace || !/^(?:127\.|::1$)/.test(server))
  const others = names.servers.length > 0 ? names.servers : host.length > 0 ? host : publicServers
  const servers = networks.servers.length > 0 ? [...networks.servers, ...names.servers] : others
  // the last line counts; a lone dot asks for none
  const searches =
    names.searches.length > 0
      ? names.searches.filter((domain) => domain !== ".")
      : [...networks.searches, ...(said("search").at(-1) ?? [])]
  const options = names.options.length > 0 ? names.options : said("options").flat()
  return [
    ...(searches.length === 0 ? [] : [`search ${searches.join(" ")}`]),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length === 0 ? [] : [`options ${options.join(" ")}`]),
    "",
  ].join("\n")
}
