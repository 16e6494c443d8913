/** Networks. */
import {
  connectionFailures,
  containerFailures,
  keyValues,
  Network,
  NetworkCreateFlags,
  type NetworkCreateOptions,
  networkFailures,
  NetworkInspect,
  NetworkRemoveFlags,
  pairTexts,
} from "@cryopod/entities"
import * as Schema from "effect/Schema"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { PerNetwork } from "../create/networks.ts"
import { parameter, parametersOf, query } from "../Query.ts"
import { routes } from "../Routes.ts"
import { errorsOf } from "../WireFailure.ts"
import { failuresToo, filters } from "./ContainerRoutes.ts"
import { optionFields } from "../optionFields.ts"

const name = { name: Schema.String }
const errors = () => errorsOf(networkFailures)
const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const strings = Schema.Array(Schema.String)
const texts = Schema.Record(Schema.String, Schema.String)

/** A network that is wanted: libpod's document, as far as its maker knows it. */
export const NetworkBody = Schema.Struct({
  name: optional(Schema.String),
  driver: optional(Schema.String),
  network_interface: optional(Schema.String),
  subnets: optional(
    Schema.Array(
      Schema.Struct({
        subnet: Schema.String,
        gateway: optional(Schema.String),
        lease_range: optional(Schema.Struct({ start_ip: optional(Schema.String), end_ip: optional(Schema.String) })),
      }),
    ),
  ),
  routes: optional(
    Schema.Array(Schema.Struct({ destination: Schema.String, gateway: Schema.String, metric: optional(Schema.Int) })),
  ),
  ipv6_enabled: optional(Schema.Boolean),
  internal: optional(Schema.Boolean),
  dns_enabled: optional(Schema.Boolean),
  network_dns_servers: optional(strings),
  labels: optional(texts),
  options: optional(texts),
  ipam_options: optional(texts),
  /** Beyond libpod: the options as our own client has them; a service that knows them looks at nothing else. */
  cryopod: Schema.optionalKey(Schema.Struct({ ...optionFields(NetworkCreateFlags), name: Schema.String })),
})
export type NetworkBody = typeof NetworkBody.Type

/** The options that a document stands for. */
export const networkOptionsOf = (body: NetworkBody): NetworkCreateOptions => {
  if (body.cryopod !== undefined) return body.cryopod
  const subnets = body.subnets ?? []
  const ranges = subnets.map(({ lease_range: range }) => range).filter((range) => range?.start_ip && range.end_ip)
  return {
    name: body.name ?? "",
    driver: body.driver || "bridge",
    interfaceName: body.network_interface ?? "",
    subnet: subnets.map(({ subnet }) => subnet),
    gateway: subnets.flatMap(({ gateway }) => (gateway ? [gateway] : [])),
    ipRange: ranges.map((range) => `${range?.start_ip ?? ""}-${range?.end_ip ?? ""}`),
    route: (body.routes ?? []).map(({ destination, gateway, metric }) =>
      [destination, gateway, ...(metric ? [String(metric)] : [])].join(","),
    ),
    ipv6: body.ipv6_enabled ?? false,
    internal: body.internal ?? false,
    // Go leaves false out: whoever wants names says so
    disableDns: body.dns_enabled !== true,
    dns: body.network_dns_servers ?? [],
    label: pairTexts(body.labels),
    opt: pairTexts(body.options),
    ipamDriver: body.ipam_options?.["driver"] ?? "",
    ignore: false,
  }
}

/** The document of these options, for Podman's service; `cryopod` says the same to our own. */
export const networkBodyOf = (options: NetworkCreateOptions): NetworkBody => ({
  name: options.name,
  driver: options.driver,
  network_interface: options.interfaceName,
  subnets: options.subnet.map((subnet, at) => ({
    subnet,
    ...(options.gateway[at] === undefined ? {} : { gateway: options.gateway[at] }),
    ...rangeOf(options.ipRange[at]),
  })),
  routes: options.route.map((text) => {
    const [destination = "", gateway = "", metric] = text.split(",")
    return { destination, gateway, ...(metric === undefined ? {} : { metric: Number(metric) }) }
  }),
  ipv6_enabled: options.ipv6,
  internal: options.internal,
  dns_enabled: !options.disableDns,
  network_dns_servers: options.dns,
  labels: keyValues(options.label),
  options: keyValues(options.opt),
  ipam_options: options.ipamDriver === "" ? {} : { driver: options.ipamDriver },
  cryopod: options,
})

/** `<start>-<end>`; a range in CIDR notation is for the service to read, which Podman's does not do. */
const rangeOf = (text: string | undefined) => {
  const [start, end] = text?.split("-") ?? []
  return start === undefined || end === undefined ? {} : { lease_range: { start_ip: start, end_ip: end } }
}

/** libpod's NetworkRmReport and NetworkPruneReport. */
export const NetworkRemovalReport = Schema.Struct({
  Name: Schema.String,
  Err: Schema.optionalKey(Schema.NullOr(Schema.Unknown)),
  Error: Schema.optionalKey(Schema.NullOr(Schema.Unknown)),
  failure: Schema.optionalKey(Schema.Unknown),
})

export const networks = routes("networks", {
  list: (route) =>
    HttpApiEndpoint.get(route, "/libpod/networks/json", {
      query: query({ filters }),
      success: Schema.Array(Network),
      error: errors(),
    }),
  create: (route) =>
    HttpApiEndpoint.post(route, "/libpod/networks/create", {
      query: query({ ignoreIfExists: parameter.bool("A network of this name that exists is a success") }),
      payload: NetworkBody,
      success: Network,
      error: errors(),
    }),
  prune: (route) =>
    HttpApiEndpoint.post(route, "/libpod/networks/prune", {
      query: query({ filters, ...failuresToo }),
      success: Schema.Array(NetworkRemovalReport),
      error: errors(),
    }),
  inspect: (route) =>
    HttpApiEndpoint.get(route, "/libpod/networks/:name/json", {
      params: name,
      success: NetworkInspect,
      error: errors(),
    }),
  exists: (route) =>
    HttpApiEndpoint.get(route, "/libpod/networks/:name/exists", {
      params: name,
      success: HttpApiSchema.NoContent,
      error: errors(),
    }),
  connect: (route) =>
    HttpApiEndpoint.post(route, "/libpod/networks/:name/connect", {
      params: name,
      payload: Schema.Struct({ container: Schema.String, ...PerNetwork.fields }),
      success: HttpApiSchema.Empty(200),
      error: errorsOf(connectionFailures),
    }),
  disconnect: (route) =>
    HttpApiEndpoint.post(route, "/libpod/networks/:name/disconnect", {
      params: name,
      payload: Schema.Struct({ Container: Schema.String, Force: optional(Schema.Boolean) }),
      success: HttpApiSchema.Empty(200),
      error: errorsOf(connectionFailures),
    }),
  remove: (route) =>
    HttpApiEndpoint.delete(route, "/libpod/networks/:name", {
      params: name,
      query: query(parametersOf(NetworkRemoveFlags, ["force", "time"])),
      success: Schema.Array(NetworkRemovalReport),
      error: errorsOf([...networkFailures, ...containerFailures]),
    }),
})
