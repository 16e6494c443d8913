/**
 * Ports of a container on the host's addresses: what `--publish` and `--expose` spell, and how they are shown again
 * (Podman 5.4 `pkg/specgenutil/util.go`, `libpod/container_inspect.go`, `cmd/podman/containers/ps.go`). Pure.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { NetworkOptionInvalid } from "../failures/NetworkFailures.ts"
import { parseIp } from "./IpAddress.ts"

export const PortProtocol = Schema.Literals(["tcp", "udp", "sctp"])
export type PortProtocol = typeof PortProtocol.Type

/** Neighbouring ports of a container and as many of the host, in libpod's names; also what netavark reads. */
export const PortMapping = Schema.Struct({
  /** Every address of the host when empty. */
  host_ip: Schema.String,
  container_port: Schema.Int,
  /** 0 for one that is still to be found. */
  host_port: Schema.Int,
  /** How many ports from these on. */
  range: Schema.Int,
  protocol: PortProtocol,
})
export type PortMapping = typeof PortMapping.Type

/** A port that the container may offer, published or not. */
export interface ExposedPort {
  readonly port: number
  readonly protocol: PortProtocol
}

type Checked<A> = Result.Result<A, NetworkOptionInvalid>

/** `[[HOSTIP:][HOSTPORT[-END]]:]PORT[-END][/PROTOCOL]`. A range whose host ports are to be found is one mapping a port. */
export const parsePublish = (text: string): Checked<ReadonlyArray<PortMapping>> =>
  Result.gen(function* () {
    if (text === "") return []
    const wrong = (detail: string) => Result.fail(new NetworkOptionInvalid({ problem: "publish", value: text, detail }))
    const [, addressed = "", bracketed, rest = "", named] = /^((?:\[([^\]]*)\]:)?([^/]*))(?:\/(.*))?$/.exec(text) ?? []
    if (named === "") return yield* wrong("must provide a non-empty protocol to publish")
    const protocol = protocolOf(named ?? "tcp")
    if (protocol === undefined) return yield* wrong(`unrecognized protocol ${JSON.stringify(named)} in port mapping`)
    const parts = bracketed === undefined ? addressed.split(":") : [bracketed, ...rest.split(":")]
    if (parts.length > 3) return yield* wrong("invalid port format - format is [[hostIP:]hostPort:]containerPort")
    const [container = "", host, address] = parts.toReversed()
    if (container === "") return yield* wrong("must provide a non-empty container port to publish")
    if (address === "") return yield* wrong("must provide a non-empty container host IP to publish")
    if (address !== undefined && parseIp(address) === undefined) {
      return yield* wrong(`cannot parse ${JSON.stringify(address)} as an IP address`)
    }
    const inner = portRange(container)
    if (typeof inner === "string") return yield* wrong(`parsing container port: ${inner}`)
    const outer = host === undefined || host === "" ? undefined : portRange(host)
    if (typeof outer === "string") return yield* wrong(`parsing host port: ${outer}`)
    if (outer !== undefined && outer.count !== inner.count) {
      return yield* wrong(`host and container port ranges have different lengths: ${outer.count} vs ${inner.count}`)
    }
    const common = { host_ip: address === "0.0.0.0" ? "" : (address ?? ""), protocol }
    if (outer !== undefined) {
      return [{ ...common, container_port: inner.first, host_port: outer.first, range: inner.count }]
    }
    return Array.from({ length: inner.count }, (_, at) => ({
      ...common,
      container_port: inner.first + at,
      host_port: 0,
      range: 1,
    }))
  })

/** `PORT[-END][/PROTOCOL]`. */
export const parseExpose = (text: string): Checked<ReadonlyArray<ExposedPort>> => {
  const wrong = (detail: string) =>
    Result.fail(
      new NetworkOptionInvalid({
        problem: "expose",
        value: text,
        detail: `invalid range format for --expose: ${text}: ${detail}`,
      }),
    )
  const [ports = "", named = "tcp"] = text.split("/")
  const protocol = protocolOf(named)
  if (protocol === undefined) return wrong(`unrecognized protocol ${JSON.stringify(named)}`)
  const words = ports.split("-")
  const unreadable = words.find((word) => !/^\d+$/.test(word))
  if (unreadable !== undefined) return wrong(`strconv.ParseUint: parsing ${JSON.stringify(unreadable)}: invalid syntax`)
  const range = portRange(ports)
  if (typeof range === "string") return wrong(range)
  return Result.succeed(Array.from({ length: range.count }, (_, at) => ({ port: range.first + at, protocol })))
}

const protocolOf = (text: string): PortProtocol | undefined =>
  PortProtocol.literals.find((known) => known === text.toLowerCase())

/** What is wrong with it, in Podman's words, or the range. */
const portRange = (text: string): { readonly first: number; readonly count: number } | string => {
  const [firstText = "", lastText = firstText, more] = text.split("-")
  if (more !== undefined) return "invalid port format - port ranges are formatted as startPort-stopPort"
  const first = portNumber(firstText)
  const last = portNumber(lastText)
  if (typeof first === "string") return first
  if (typeof last === "string") return last
  return last < first
    ? `the end port of a range must be higher than the start port - ${last} is not higher than ${first}`
    : { first, count: last - first + 1 }
}

const portNumber = (text: string): number | string => {
  if (!/^[+-]?\d+$/.test(text))
    return `invalid port number: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`
  const port = Number(text)
  return port >= 1 && port <= 65_535 ? port : `port numbers must be between 1 and 65535 (inclusive), got ${port}`
}

/** Ports that are offered besides are published on ports of the host that are still to be found. */
export const publishedToo = (
  published: ReadonlyArray<PortMapping>,
  exposed: ReadonlyArray<ExposedPort>,
): ReadonlyArray<PortMapping> => [
  ...published,
  ...exposed
    .filter((offered) => !published.some((mapping) => publishes(mapping, offered)))
    .map(({ port, protocol }) => ({ host_ip: "", container_port: port, host_port: 0, range: 1, protocol })),
]

const publishes = ({ container_port, protocol, range }: PortMapping, offered: ExposedPort): boolean =>
  protocol === offered.protocol && offered.port >= container_port && offered.port < container_port + range

const everywhere = "0.0.0.0"

/** One port of each side. */
interface SinglePort {
  readonly inside: string
  readonly HostIp: string
  readonly HostPort: string
}

const singles = (mappings: ReadonlyArray<PortMapping>): ReadonlyArray<SinglePort> =>
  mappings.flatMap(({ container_port, host_ip, host_port, protocol, range }) =>
    Array.from({ length: range }, (_, at) => ({
      inside: `${container_port + at}/${protocol}`,
      HostIp: host_ip === "" ? everywhere : host_ip,
      HostPort: String(host_port + at),
    })),
  )

export type PortBindings = Readonly<
  Record<string, ReadonlyArray<{ readonly HostIp: string; readonly HostPort: string }> | null>
>

/** As `inspect` shows them; a port that is exposed and not published has null. */
export const portBindings = (
  mappings: ReadonlyArray<PortMapping>,
  exposed: ReadonlyArray<ExposedPort> = [],
): PortBindings => {
  const bindings = new Map<string, Array<{ readonly HostIp: string; readonly HostPort: string }>>()
  for (const { inside, ...outside } of singles(mappings)) {
    bindings.set(inside, [...(bindings.get(inside) ?? []), outside])
  }
  const unpublished = exposed
    .map(({ port, protocol }) => `${port}/${protocol}`)
    .filter((inside) => !bindings.has(inside))
  return Object.fromEntries(
    [...bindings, ...unpublished.map((inside) => [inside, null] as const)].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  )
}

/** The lines of `port`: `80/tcp -> 0.0.0.0:8080`. */
export const portLines = (mappings: ReadonlyArray<PortMapping>): ReadonlyArray<string> =>
  singles(mappings)
    .map(({ HostIp, HostPort, inside }) => `${inside} -> ${hostText(HostIp)}:${HostPort}`)
    .toSorted()

/** The ports in a row of `ps`: `0.0.0.0:8000-8001->80-81/tcp, 70/tcp`. */
export const portsText = (mappings: ReadonlyArray<PortMapping>, exposed: ReadonlyArray<ExposedPort>): string =>
  [
    ...mappings.map(({ container_port, host_ip, host_port, protocol, range }) => {
      const span = (first: number) => (range > 1 ? `${first}-${first + range - 1}` : String(first))
      return `${hostText(host_ip || everywhere)}:${span(host_port)}->${span(container_port)}/${protocol}`
    }),
    ...exposedTexts(exposed.filter((offered) => !mappings.some((mapping) => publishes(mapping, offered)))),
  ].join(", ")

const exposedTexts = (exposed: ReadonlyArray<ExposedPort>): ReadonlyArray<string> => {
  const runs: Array<{ readonly first: number; last: number; readonly protocol: PortProtocol }> = []
  for (const { port, protocol } of exposed.toSorted((a, b) => a.port - b.port)) {
    const run = runs.find((known) => known.protocol === protocol && known.last === port - 1)
    if (run === undefined) runs.push({ first: port, last: port, protocol })
    else run.last = port
  }
  return runs.map(({ first, last, protocol }) => `${first === last ? first : `${first}-${last}`}/${protocol}`)
}

/** Protocols by port, as libpod's documents have them. */
export const exposedProtocols = (
  exposed: ReadonlyArray<ExposedPort>,
): Readonly<Record<string, ReadonlyArray<PortProtocol>>> => {
  const protocols = new Map<string, ReadonlyArray<PortProtocol>>()
  for (const { port, protocol } of exposed) {
    protocols.set(String(port), [...new Set([...(protocols.get(String(port)) ?? []), protocol])])
  }
  return Object.fromEntries(protocols)
}

/** The way back of `exposedProtocols`. */
export const exposedPorts = (
  protocols: Readonly<Record<string, ReadonlyArray<PortProtocol>>>,
): ReadonlyArray<ExposedPort> =>
  Object.entries(protocols).flatMap(([port, each]) => each.map((protocol) => ({ port: Number(port), protocol })))

const hostText = (address: string) => (address.includes(":") ? `[${address}]` : address)
