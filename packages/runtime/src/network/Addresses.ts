/**
 * Addresses that containers have on networks, in the state database. A lease is taken before the container is put on
 * the network and given back when it is off again; the table's key keeps two containers from one address, whoever asks at once.
 *
 * Leases go with their container's record, and those of an earlier boot mean nothing. Whether the holder of a lease still
 * lives is for the caller to find out.
 */
import {
  AddressesExhausted,
  AddressInUse,
  AddressOutside,
  type DatabaseFailed,
  formatIp,
  hostsOf,
  type IpAddress,
  type IpSubnet,
  type Network,
  NetworkNotFound,
  type NetworkSubnet,
  parseIp,
  parseSubnet,
  plus,
  sameIp,
  subnetHas,
} from "@cryopod/entities"
import { Database, type Prepare } from "@cryopod/host"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { bootId } from "../ProcessTable.ts"
import { networkNamed } from "./Networks.ts"

export const addressTables = `
create table if not exists addresses (
  network text not null references networks (name) on delete cascade,
  address text not null,
  container text not null references containers (id) on delete cascade,
  boot text not null,
  primary key (network, address)
) strict;
create index if not exists addresses_by_container on addresses (container)`

/** Addresses wanted on a network; in a subnet that none of them is in, the next free one is taken. */
export interface AddressWish {
  readonly network: string
  readonly ips: ReadonlyArray<string>
}

/** A network and the addresses that a container has on it, one a subnet. */
export interface Lease {
  readonly network: Network
  readonly ips: ReadonlyArray<string>
}

export type LeaseFailure = AddressInUse | AddressOutside | AddressesExhausted | NetworkNotFound

export interface AddressesShape {
  /** All addresses that are wished for, or none. What the container had before is given back first. */
  readonly lease: (
    container: string,
    wishes: ReadonlyArray<AddressWish>,
  ) => Effect.Effect<ReadonlyArray<Lease>, LeaseFailure | DatabaseFailed>
  /** The like on one network more, that the container has no addresses on. */
  readonly extend: (container: string, wish: AddressWish) => Effect.Effect<Lease, LeaseFailure | DatabaseFailed>
  readonly of: (container: string) => Effect.Effect<ReadonlyArray<Lease>, DatabaseFailed>
  /** Ids of the containers that have an address on the network. */
  readonly holders: (network: string) => Effect.Effect<ReadonlyArray<string>, DatabaseFailed>
  /** Give back what the container has, on one network or on all. */
  readonly release: (container: string, network?: string) => Effect.Effect<void, DatabaseFailed>
}

export class Addresses extends Context.Service<Addresses, AddressesShape>()("@cryopod/runtime/Addresses") {
  static readonly layer = Layer.effect(
    Addresses,
    Effect.map(Database, (database) => make(database)),
  )
}

const make = (database: Database["Service"]): AddressesShape => ({
  lease: (container, wishes) =>
    Effect.flatMap(
      database.write((prepare) => {
        forget(prepare, container)
        const leases = Result.all(wishes.map((wish) => take(prepare, container, wish)))
        if (Result.isFailure(leases)) forget(prepare, container)
        return leases
      }),
      Effect.fromResult,
    ),
  extend: (container, wish) =>
    Effect.flatMap(
      database.write((prepare) => {
        const lease = take(prepare, container, wish)
        if (Result.isFailure(lease)) forget(prepare, container, wish.network)
        return lease
      }),
      Effect.fromResult,
    ),
  of: (container) =>
    database.read((prepare) => {
      const ips = new Map<string, Array<string>>()
      for (const row of prepare("select network, address from addresses where container = ? order by rowid").all(
        container,
      )) {
        const name = String(row["network"])
        ips.set(name, [...(ips.get(name) ?? []), String(row["address"])])
      }
      return [...ips].flatMap(([name, addresses]) => {
        const network = networkNamed(prepare, name)
        return network === undefined ? [] : [{ network, ips: addresses }]
      })
    }),
  holders: (network) =>
    database.read((prepare) =>
      prepare("select distinct container from addresses where network = ?")
        .all(network)
        .map((row) => String(row["container"])),
    ),
  release: (container, network) => database.write((prepare) => forget(prepare, container, network)),
})

const forget = (prepare: Prepare, container: string, network?: string): void => {
  if (network === undefined) prepare("delete from addresses where container = ?").run(container)
  else prepare("delete from addresses where container = ? and network = ?").run(container, network)
}

const take = (prepare: Prepare, container: string, wish: AddressWish): Result.Result<Lease, LeaseFailure> =>
  Result.gen(function* () {
    prepare("delete from addresses where boot <> ?").run(bootId())
    const network = networkNamed(prepare, wish.network)
    if (network === undefined) return yield* Result.fail(new NetworkNotFound({ ref: wish.network }))
    const { name } = network
    const subnets = network.subnets ?? []
    const asked: Array<IpAddress> = []
    for (const text of wish.ips) {
      const address = parseIp(text)
      const inside = address !== undefined && subnets.some(({ subnet }) => subnetHas(subnetOf(subnet), address))
      if (!inside) return yield* Result.fail(new AddressOutside({ address: text, network: name }))
      asked.push(address)
    }
    const holders = new Map(
      prepare("select address, container from addresses where network = ?")
        .all(name)
        .map((row) => [String(row["address"]), String(row["container"])]),
    )
    const ips: Array<string> = []
    for (const definition of subnets) {
      const subnet = subnetOf(definition.subnet)
      const wanted = asked.find((address) => subnetHas(subnet, address))
      const address =
        wanted === undefined
          ? yield* nextFree(prepare, { name, definition, holders })
          : yield* free(wanted, { name, definition, holders })
      prepare("insert into addresses (network, address, container, boot) values (?, ?, ?, ?)").run(
        name,
        address,
        container,
        bootId(),
      )
      ips.push(address)
    }
    return { network, ips }
  })

interface Ground {
  readonly name: string
  readonly definition: NetworkSubnet
  /** Containers by the addresses they have. */
  readonly holders: ReadonlyMap<string, string>
}

/** Definitions were checked when they were made. */
const subnetOf = (text: string): IpSubnet => parseSubnet(text) ?? { network: { family: 4, value: 0n }, prefix: 32 }

const free = (address: IpAddress, { definition, holders, name }: Ground): Result.Result<string, AddressInUse> => {
  const text = formatIp(address)
  const holder = holders.get(text)
  if (holder === undefined && !isGateway(definition, address)) return Result.succeed(text)
  return Result.fail(
    new AddressInUse({ address: text, network: name, ...(holder === undefined ? {} : { container: holder }) }),
  )
}

const isGateway = ({ gateway }: NetworkSubnet, address: IpAddress): boolean => {
  const parsed = gateway === undefined ? undefined : parseIp(gateway)
  return parsed !== undefined && sameIp(parsed, address)
}

/** The one after the last that was given out, round and round, so that an address rests before it is somebody else's. */
const nextFree = (
  prepare: Prepare,
  { definition, holders, name }: Ground,
): Result.Result<string, AddressesExhausted> => {
  const { first, last } = rangeOf(definition)
  const cursor = prepare("select address from address_cursors where network = ? and subnet = ?").get(
    name,
    definition.subnet,
  )
  const before = parseIp(String(cursor?.["address"] ?? ""))
  const inRange = before !== undefined && before.value >= first.value && before.value < last.value
  const start = inRange ? plus(before, 1n) : first
  const count = last.value - first.value + 1n
  for (let step = 0n; step < count; step++) {
    const value = start.value + step
    const address = { family: first.family, value: value > last.value ? value - count : value }
    const text = formatIp(address)
    if (holders.has(text) || isGateway(definition, address)) continue
    prepare(
      `insert into address_cursors (network, subnet, address) values (?, ?, ?)
       on conflict (network, subnet) do update set address = excluded.address`,
    ).run(name, definition.subnet, text)
    return Result.succeed(text)
  }
  return Result.fail(new AddressesExhausted({ network: name, first: formatIp(first), last: formatIp(last) }))
}

const rangeOf = ({ lease_range: range, subnet }: NetworkSubnet) => {
  const { first, last } = hostsOf(subnetOf(subnet))
  return { first: parseIp(range?.start_ip ?? "") ?? first, last: parseIp(range?.end_ip ?? "") ?? last }
}
