/**
 * What a container finds as /etc/hosts and /etc/resolv.conf. The files belong to the owner of the network namespace; whoever
 * joins that is written into them.
 *
 * They are changed where they lie and never replaced: they are mounted, and a process may hold one open across a checkpoint.
 */
import * as fs from "node:fs"
import { networkInterfaces } from "node:os"
import {
  formatIp,
  type NetworkInterface,
  type NetworkStatus,
  parseInterfaceAddress,
  type StorageFailed,
} from "@cryopod/entities"
import { attemptSync, Layout, readOr } from "@cryopod/host"
import {
  type ContainerConfig,
  containerPaths,
  type ContainerRecord,
  hostsMinus,
  hostsPlus,
  hostsText,
  hostsWith,
  joinedContainer,
  resolverMinus,
  resolverPlus,
  resolverText,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"

export interface NameFileInputs {
  /** What the container got on its networks. */
  readonly status: NetworkStatus | undefined
  /** A container that starts gets its files anew; one that goes on finds what it left, unless its addresses are others now. */
  readonly begins: boolean
}

export const writeNameFiles = Effect.fn("Network.writeNameFiles")(function* (
  { config, name }: ContainerRecord,
  inputs: NameFileInputs,
): Effect.fn.Return<void, StorageFailed, Layout> {
  const { hosts, resolvConf, userdata } = containerPaths(yield* Layout, config)
  yield* attemptSync("write names of", userdata, () => {
    if (joinedContainer(config, "net") !== undefined) return addName(hosts, name)
    writeHosts(hosts, { config, name, ...inputs })
    const had = readOr(resolvConf, "")
    if (had === "" || (inputs.begins && config.network === "bridge")) writeChanged(resolvConf, resolver(config, inputs))
  })
})

interface HostsFile extends NameFileInputs {
  readonly config: ContainerConfig
  readonly name: string
}

const writeHosts = (path: string, { begins, config, name, status }: HostsFile): void => {
  const addresses = addressesOf(config, status)
  const had = readOr(path, "")
  const fits = addresses.every((address) => had.includes(`${address}\t`))
  if (had !== "" && fits && !(begins && config.network === "bridge")) return
  writeChanged(
    path,
    hostsText({
      base: readOr("/etc/hosts", "127.0.0.1\tlocalhost\n"),
      names: config.names ?? { hosts: [] },
      gateway: gatewayOf(config, status),
      addresses,
      own: [config.hostname, name],
    }),
  )
}

/** Without a network, and with the host's, a container is where its loopback is. */
const addressesOf = (config: ContainerConfig, status: NetworkStatus | undefined): ReadonlyArray<string> => {
  if (config.network === "host") return []
  if (config.network === "none") return ["127.0.0.1"]
  return interfacesOf(config, status).flatMap(interfaceAddresses)
}

const interfaceAddresses = ({ subnets }: NetworkInterface): ReadonlyArray<string> =>
  (subnets ?? []).flatMap(({ ipnet }) => {
    const parsed = parseInterfaceAddress(ipnet)
    return parsed === undefined ? [] : [formatIp(parsed.address)]
  })

const gatewayOf = (config: ContainerConfig, status: NetworkStatus | undefined): string | undefined => {
  if (config.network === "bridge") {
    return interfacesOf(config, status)
      .flatMap(({ subnets }) => subnets ?? [])
      .flatMap(({ gateway }) => gateway ?? [])[0]
  }
  if (config.network === "none") return undefined
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address
}

/** In the order in which the container asks for its networks. */
const placesOf = ({ attachments = [] }: ContainerConfig, status: NetworkStatus | undefined) =>
  attachments.flatMap(({ network }) => status?.[network] ?? [])

const interfacesOf = (config: ContainerConfig, status: NetworkStatus | undefined) =>
  placesOf(config, status).flatMap(({ interfaces }) => Object.values(interfaces ?? {}))

const resolver = (config: ContainerConfig, { status }: NameFileInputs): string =>
  resolverText({
    base: readOr("/etc/resolv.conf", ""),
    names: config.names ?? { servers: [], searches: [], options: [] },
    networks: {
      servers: placesOf(config, status).flatMap(({ dns_server_ips }) => dns_server_ips ?? []),
      searches: [...new Set(placesOf(config, status).flatMap(({ dns_search_domains }) => dns_search_domains ?? []))],
    },
    ownNamespace: config.network !== "host",
  })

/** A running container has got a place on a network more. */
export const addPlaceNames = (record: ContainerRecord, status: NetworkStatus) =>
  changePlaceNames(record, {
    hosts: (text) => hostsPlus(text, placedAddresses(status), [record.config.hostname, record.name]),
    resolver: (text) => resolverPlus(text, placedServers(status)),
  })

/** A container has lost its place on a network. */
export const removePlaceNames = (record: ContainerRecord, status: NetworkStatus) =>
  changePlaceNames(record, {
    hosts: (text) => hostsMinus(text, placedAddresses(status)),
    resolver: (text) => resolverMinus(text, placedServers(status)),
  })

interface TextChanges {
  readonly hosts: (text: string) => string
  readonly resolver: (text: string) => string
}

const changePlaceNames = Effect.fnUntraced(function* (
  { config }: ContainerRecord,
  changes: TextChanges,
): Effect.fn.Return<void, StorageFailed, Layout> {
  const { hosts, resolvConf, userdata } = containerPaths(yield* Layout, config)
  yield* attemptSync("write names of", userdata, () => {
    for (const [path, change] of [
      [hosts, changes.hosts],
      [resolvConf, changes.resolver],
    ] as const) {
      const had = readOr(path, "")
      if (had !== "") writeChanged(path, change(had))
    }
  })
})

const placedAddresses = (status: NetworkStatus): ReadonlyArray<string> =>
  Object.values(status).flatMap(({ interfaces }) => Object.values(interfaces ?? {}).flatMap(interfaceAddresses))

const placedServers = (status: NetworkStatus): ReadonlyArray<string> =>
  Object.values(status).flatMap(({ dns_server_ips }) => dns_server_ips ?? [])

const addName = (path: string, name: string): void => {
  const changed = hostsWith(readOr(path, ""), name)
  if (changed !== undefined) fs.writeFileSync(path, changed, { mode: 0o644 })
}

const writeChanged = (path: string, content: string): void => {
  if (readOr(path, "\0") !== content) fs.writeFileSync(path, content, { mode: 0o644 })
}
