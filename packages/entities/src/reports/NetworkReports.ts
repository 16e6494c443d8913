/** What the engine tells about networks, in libpod's field names (containers/common `libnetwork/types/network.go`). */
import * as Schema from "effect/Schema"

const texts = Schema.Record(Schema.String, Schema.String)

export const NetworkSubnet = Schema.Struct({
  /** In CIDR notation. */
  subnet: Schema.String,
  /** Absent in an internal network without names. */
  gateway: Schema.optionalKey(Schema.String),
  /** Addresses that containers are given when they ask for none; without it, all of the subnet. */
  lease_range: Schema.optionalKey(
    Schema.Struct({ start_ip: Schema.optionalKey(Schema.String), end_ip: Schema.optionalKey(Schema.String) }),
  ),
})
export type NetworkSubnet = typeof NetworkSubnet.Type

/** A network as it was defined; also what netavark reads of it. */
export const Network = Schema.Struct({
  name: Schema.String,
  id: Schema.String,
  driver: Schema.String,
  /** Name of the bridge on the host. */
  network_interface: Schema.optionalKey(Schema.String),
  /** RFC 3339 in UTC. */
  created: Schema.String,
  subnets: Schema.optionalKey(Schema.Array(NetworkSubnet)),
  routes: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        destination: Schema.String,
        gateway: Schema.String,
        metric: Schema.optionalKey(Schema.Int),
      }),
    ),
  ),
  ipv6_enabled: Schema.Boolean,
  /** Containers reach each other and nobody else. */
  internal: Schema.Boolean,
  /** Containers find each other by name. */
  dns_enabled: Schema.Boolean,
  network_dns_servers: Schema.optionalKey(Schema.Array(Schema.String)),
  labels: Schema.optionalKey(texts),
  options: Schema.optionalKey(texts),
  ipam_options: Schema.optionalKey(texts),
})
export type Network = typeof Network.Type

/** An interface that a container has on a network. */
export const NetworkInterface = Schema.Struct({
  subnets: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        /** Address with the prefix of its subnet: `10.88.0.5/16`. */
        ipnet: Schema.String,
        gateway: Schema.optionalKey(Schema.String),
      }),
    ),
  ),
  mac_address: Schema.String,
})
export type NetworkInterface = typeof NetworkInterface.Type

/**
 * What a container got on each of its networks, by their names: what netavark answers and libpod keeps as the member
 * `network.status` of a checkpoint (containers/common `libnetwork/types`, StatusBlock).
 */
export const NetworkStatus = Schema.Record(
  Schema.String,
  Schema.Struct({
    interfaces: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, NetworkInterface))),
    dns_server_ips: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
    dns_search_domains: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  }),
)
export type NetworkStatus = typeof NetworkStatus.Type

/** What `network inspect` shows: the definition, and the running containers by id. */
export const NetworkInspect = Schema.Struct({
  ...Network.fields,
  containers: Schema.Record(
    Schema.String,
    Schema.Struct({ name: Schema.String, interfaces: Schema.Record(Schema.String, NetworkInterface) }),
  ),
})
export type NetworkInspect = typeof NetworkInspect.Type
