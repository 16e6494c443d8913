/**
 * netavark: interfaces, bridges, packet filter rules and names of containers on networks. It reads a request on its standard input
 * and answers with what the container got (netavark `src/network/types.rs`).
 *
 * It looks at the rules there are and then makes what is missing, and several at once would undo each other's work; so one
 * runs at a time in each network namespace of this machine, whatever the state directory.
 */
import * as fs from "node:fs"
import {
  type Network,
  NetworkStatus,
  type PortMapping,
  type StorageFailed,
  ToolFailed,
  type ToolMissing,
} from "@cryopod/entities"
import { attemptSync, dropLock, holdLock, Layout, run, Tools } from "@cryopod/host"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

/** A container's place on one network, all of it decided. */
export interface NetworkPlace {
  readonly network: Network
  readonly ips: ReadonlyArray<string>
  /** netavark draws one when absent. */
  readonly mac?: string
  readonly interfaceName: string
  readonly aliases: ReadonlyArray<string>
  readonly options?: Readonly<Record<string, string>>
}

export interface NetavarkRequest {
  readonly containerId: string
  readonly containerName: string
  readonly ports: ReadonlyArray<PortMapping>
  readonly places: ReadonlyArray<NetworkPlace>
  /** Servers that are asked for names that are no container's. */
  readonly dnsServers: ReadonlyArray<string>
}

export interface NetavarkShape {
  /** Put the namespace on its networks. What is half done when this fails is for `teardown`. */
  readonly setup: (
    namespace: string,
    request: NetavarkRequest,
  ) => Effect.Effect<NetworkStatus, ToolMissing | ToolFailed | StorageFailed>
  /** Take the namespace off its networks, as far as it is on them: what is not there any more is no failure. */
  readonly teardown: (namespace: string, request: NetavarkRequest) => Effect.Effect<void, ToolMissing | StorageFailed>
}

export class Netavark extends Context.Service<Netavark, NetavarkShape>()("@cryopod/runtime/Netavark") {
  static readonly layer = Layer.effect(
    Netavark,
    Effect.gen(function* () {
      return make(yield* Tools, yield* Layout)
    }),
  )
}

const readStatus = Schema.decodeUnknownSync(Schema.fromJsonString(NetworkStatus))

const make = (tools: Tools["Service"], layout: Layout["Service"]): NetavarkShape => {
  /** Not to be interrupted: half of its work would be left, and the next one's as well. */
  const call = Effect.fnUntraced(
    function* (verb: "setup" | "teardown", namespace: string, request: NetavarkRequest) {
      const netavark = yield* tools.path("netavark")
      const aardvark = tools.find("aardvark-dns")
      yield* attemptSync("make directory", layout.networks, () =>
        fs.mkdirSync(layout.networks, { recursive: true, mode: 0o700 }),
      )
      const lock = `/run/lock/cryopod-netavark-${fs.statSync("/proc/self/ns/net").ino}`
      yield* holdLock(lock)
      const args = [
        "--config",
        layout.networks,
        ...(aardvark === undefined ? [] : ["--aardvark-binary", aardvark]),
        verb,
        namespace,
      ]
      const result = yield* run(netavark, args, {
        env: tools.environment,
        input: JSON.stringify(document(request, aardvark !== undefined)),
        ownSession: true,
      })
      yield* dropLock(lock)
      return { args, result }
    },
    Effect.scoped,
    Effect.uninterruptible,
  )
  return {
    setup: Effect.fn("Netavark.setup")(function* (namespace, request) {
      const { args, result } = yield* call("setup", namespace, request)
      if (result.exitCode === 0) return readStatus(result.stdout)
      const { exitCode } = result
      return yield* new ToolFailed({ tool: "netavark", arguments: args, exitCode, detail: complaint(result) })
    }),
    teardown: Effect.fn("Netavark.teardown")(function* (namespace, request) {
      yield* call("teardown", namespace, request)
    }),
  }
}

/** netavark says what is wrong as JSON on its standard output. */
const complaint = ({ stderr, stdout }: { readonly stdout: string; readonly stderr: string }): string => {
  try {
    return String((JSON.parse(stdout) as { readonly error?: unknown }).error)
  } catch {
    return stderr.trim()
  }
}

const document = ({ containerId, containerName, dnsServers, places, ports }: NetavarkRequest, names: boolean) => ({
  container_id: containerId,
  container_name: containerName,
  port_mappings: ports,
  dns_servers: dnsServers,
  networks: Object.fromEntries(
    places.map(({ aliases, interfaceName, ips, mac, network, options }) => [
      network.name,
      {
        static_ips: ips,
        ...(mac === undefined ? {} : { static_mac: mac }),
        interface_name: interfaceName,
        aliases,
        ...(options === undefined ? {} : { options }),
      },
    ]),
  ),
  // without a server for names, a network that is to have them is one that has none
  network_info: Object.fromEntries(
    places.map(({ network }) => [network.name, { ...network, dns_enabled: network.dns_enabled && names }]),
  ),
})
