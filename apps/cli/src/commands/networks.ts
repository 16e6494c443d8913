/** Commands on networks. */
import {
  type Network,
  NetworkConnectFlags,
  NetworkCreateFlags,
  NetworkDisconnectFlags,
  NetworkEngine,
  type NetworkInspect,
  NetworkListFlags,
  NetworkPruneFlags,
  NetworkRemoveFlags,
  readAttachment,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { completeContainers, completeNetworks } from "../completions.ts"
import { confirmed } from "../confirm.ts"
import { flagTable, optionsOf } from "../flags.ts"
import { givenFormat, printDocuments, printRows, type RowFormat } from "../format.ts"
import type { CliCommand } from "../Handler.ts"
import { type CompletionHook, exactArgs, goTime, maximumArgs, minimumArgs, noArgs, valuesOf } from "../kit/index.ts"
import { failureStatus, printItems, printLine, printMissing, refuse, removalStatus, writeOut } from "../output.ts"

const create: CliCommand = {
  name: "create",
  short: "Create networks for containers and pods",
  use: "[options] [NAME]",
  example: "cryopod network create web\ncryopod network create --subnet 10.99.0.0/24 --label tier=front web",
  flags: flagTable(NetworkCreateFlags),
  args: maximumArgs(1),
  handler: (call) =>
    Effect.gen(function* () {
      const [name = ""] = call.args
      yield* printLine(yield* (yield* NetworkEngine).create({ ...optionsOf(NetworkCreateFlags, call), name }))
      return 0
    }),
}

const listFlags = {
  format: { kind: "string", usage: "Pretty-print networks to JSON or using a Go template" },
  "no-trunc": { kind: "bool", usage: "Do not truncate the network ID" },
  noheading: { kind: "bool", short: "n", usage: "Do not print headers" },
  quiet: { kind: "bool", short: "q", usage: "Display only names" },
} as const

/** Length of a shortened id. */
const shortId = 12

/** A network under Go's names for its fields, which templates use. */
export const goNetwork = (network: Network) => ({
  ID: network.id,
  Name: network.name,
  Driver: network.driver,
  NetworkInterface: network.network_interface ?? "",
  Created: goTime(network.created),
  Subnets: (network.subnets ?? []).map(({ gateway = "", lease_range: range, subnet }) => ({
    Subnet: subnet,
    Gateway: gateway,
    LeaseRange: range === undefined ? null : { StartIP: range.start_ip ?? "", EndIP: range.end_ip ?? "" },
  })),
  Routes: (network.routes ?? []).map(({ destination, gateway, metric }) => ({
    Destination: destination,
    Gateway: gateway,
    Metric: metric ?? null,
  })),
  IPv6Enabled: network.ipv6_enabled,
  Internal: network.internal,
  DNSEnabled: network.dns_enabled,
  NetworkDNSServers: network.network_dns_servers ?? [],
  Labels: new Map(Object.entries(network.labels ?? {})),
  Options: new Map(Object.entries(network.options ?? {})),
  IPAMOptions: new Map(Object.entries(network.ipam_options ?? {})),
})

const networkFormat = (noTrunc: boolean): RowFormat<Network> => ({
  standard: "{{.ID}}\t{{.Name}}\t{{.Driver}}",
  headings: { ID: "NETWORK ID" },
  name: "ls",
  typeName: "network.ListPrintReports",
  json: (rows) => rows,
  fields: (row) => ({
    ...goNetwork(row),
    ID: noTrunc ? row.id : row.id.slice(0, shortId),
    Labels: Object.entries(row.labels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
    MarshalJSON: () => row,
  }),
})

const list: CliCommand = {
  name: "ls",
  aliases: ["list"],
  short: "List networks",
  use: "[options]",
  example:
    "cryopod network ls\ncryopod network ls --format '{{.Name}} {{.Driver}}'\ncryopod network ls --filter label=tier",
  flags: { ...flagTable(NetworkListFlags), ...listFlags },
  args: noArgs,
  handler: (call) =>
    Effect.gen(function* () {
      const rows = yield* (yield* NetworkEngine).list(optionsOf(NetworkListFlags, call))
      const { "no-trunc": noTrunc, noheading, quiet } = valuesOf(call, listFlags)
      const format = givenFormat(call)
      if (quiet && format === undefined) yield* writeOut(rows.map(({ name }) => `${name}\n`).join(""))
      else yield* printRows(rows, networkFormat(noTrunc), { format, noHeading: noheading })
      return 0
    }),
}

const goInspected = (document: NetworkInspect) => {
  const containers = Object.entries(document.containers).map(([id, { name, interfaces }]) => [
    id,
    { Name: name, Interfaces: interfaces },
  ])
  return { ...goNetwork(document), Containers: Object.fromEntries(containers) }
}

const inspectFlags = {
  format: { kind: "string", short: "f", usage: "Pretty-print network to JSON or using a Go template" },
} as const

const inspect: CliCommand = {
  name: "inspect",
  short: "Inspect network",
  long: "Displays the network configuration for one or more networks.",
  use: "[options] NETWORK [NETWORK...]",
  example: "cryopod network inspect podman\ncryopod network inspect --format '{{.NetworkInterface}}' podman",
  flags: inspectFlags,
  args: minimumArgs(1),
  complete: completeNetworks,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* NetworkEngine
      const { format } = valuesOf(call, inspectFlags)
      const found: Array<NetworkInspect> = []
      const missing: Array<string> = []
      for (const ref of call.args) {
        const one = yield* Effect.result(engine.inspect(ref))
        if (one._tag === "Success") found.push(one.success)
        else if (one.failure._tag === "NetworkNotFound" || one.failure._tag === "NetworkAmbiguous")
          missing.push(`network ${ref}: ${one.failure.message}`)
        else return yield* one.failure
      }
      if (format === "json" || format === "") yield* writeOut(`${JSON.stringify(found, undefined, 5)}\n`)
      else yield* printDocuments(found.map(goInspected), format)
      yield* printMissing(missing)
      return missing.length === 0 ? 0 : failureStatus
    }),
}

const remove: CliCommand = {
  name: "rm",
  aliases: ["remove"],
  short: "Remove networks",
  use: "[options] NETWORK [NETWORK...]",
  example: "cryopod network rm web\ncryopod network rm --force --time 0 web",
  flags: flagTable(NetworkRemoveFlags),
  args: minimumArgs(1),
  complete: completeNetworks,
  handler: (call) =>
    Effect.gen(function* () {
      const { force, time } = optionsOf(NetworkRemoveFlags, call)
      if (call.changed.has("time") && !force) {
        return yield* refuse("--force option must be specified to use the --time option")
      }
      const items = yield* (yield* NetworkEngine).remove(call.args, { force, timeSeconds: time })
      return yield* printItems(items, (name) => name, removalStatus)
    }),
}

/** The first word is a network, the second a container. */
const completeConnection: CompletionHook = (request) =>
  request.args.length === 0 ? completeNetworks(request) : completeContainers(request)

const connect: CliCommand = {
  name: "connect",
  short: "Add container to a network",
  use: "[options] NETWORK CONTAINER",
  example: "cryopod network connect web secondary\ncryopod network connect --ip 10.99.0.5 --alias db web secondary",
  flags: flagTable(NetworkConnectFlags),
  args: exactArgs(2),
  complete: completeConnection,
  handler: (call) =>
    Effect.gen(function* () {
      const [network = "", container = ""] = call.args
      const { alias, ip, ip6, macAddress } = optionsOf(NetworkConnectFlags, call)
      const attachment = yield* Effect.fromResult(
        readAttachment({
          network,
          ips: [ip, ip6].filter((text) => text !== ""),
          ...(macAddress === "" ? {} : { mac: macAddress }),
          aliases: alias.flatMap((text) => text.split(",")),
        }),
      )
      yield* (yield* NetworkEngine).connect(container, attachment)
      return 0
    }),
}

const disconnect: CliCommand = {
  name: "disconnect",
  short: "Disconnect a container from a network",
  long: "Remove container from a network",
  use: "[options] NETWORK CONTAINER",
  example: "cryopod network disconnect web secondary",
  flags: flagTable(NetworkDisconnectFlags),
  args: exactArgs(2),
  complete: completeConnection,
  handler: (call) =>
    Effect.gen(function* () {
      const [network = "", container = ""] = call.args
      const { force } = optionsOf(NetworkDisconnectFlags, call)
      yield* (yield* NetworkEngine).disconnect(container, { network, force })
      return 0
    }),
}

const pruneFlags = { force: { kind: "bool", short: "f", usage: "Do not prompt for confirmation" } } as const

const prune: CliCommand = {
  name: "prune",
  short: "Prune unused networks",
  use: "[options]",
  example: "cryopod network prune\ncryopod network prune --force --filter label=temporary",
  flags: { ...flagTable(NetworkPruneFlags), ...pruneFlags },
  args: noArgs,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* NetworkEngine
      if (!valuesOf(call, pruneFlags).force) {
        yield* printLine("WARNING! This will remove all networks not used by at least one container.")
        if (!(yield* confirmed("Are you sure you want to continue? [y/N] "))) return 0
      }
      return yield* printItems(yield* engine.prune(optionsOf(NetworkPruneFlags, call)), (name) => name)
    }),
}

/** No output, the status is the answer. */
const exists: CliCommand = {
  name: "exists",
  short: "Check if network exists",
  long: "If the given network exists, the command exits with 0, otherwise the exit code will be 1.",
  use: "NETWORK",
  example: "cryopod network exists podman",
  args: exactArgs(1),
  complete: completeNetworks,
  handler: ({ args: [ref = ""] }) =>
    Effect.map(
      Effect.flatMap(NetworkEngine, (engine) => engine.exists(ref)),
      (found) => (found ? 0 : 1),
    ),
}

export const network: CliCommand = {
  name: "network",
  short: "Manage networks",
  commands: [connect, create, disconnect, exists, inspect, list, prune, remove],
}
