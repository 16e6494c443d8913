/**
 * The networks of this root, in the state database: definitions only. What of a network is on the host comes and goes with
 * the containers on it.
 *
 * Which containers are on a network is told by the containers' own configurations, so that there is nothing to keep in
 * step: a network is removed in the transaction that finds no user, and a container is recorded before its networks
 * are looked for.
 */
import {
  type DatabaseFailed,
  defaultNetwork,
  defaultNetworkName,
  type Network,
  NetworkAmbiguous,
  type NetworkDefinitionInvalid,
  NetworkExists,
  NetworkInUse,
  NetworkNotFound,
  NetworkProtected,
} from "@cryopod/entities"
import { Database, type Prepare } from "@cryopod/host"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"

export const networkTables = `
create table if not exists networks (
  name text primary key,
  id text not null unique,
  definition text not null
) strict;
create table if not exists address_cursors (
  network text not null references networks (name) on delete cascade,
  subnet text not null,
  address text not null,
  primary key (network, subnet)
) strict`

export interface NetworksShape {
  /** By name. The default network is among them from the first look on. */
  readonly list: Effect.Effect<ReadonlyArray<Network>, DatabaseFailed>
  /** By exact name or id, or by the unambiguous beginning of an id. */
  readonly find: (ref: string) => Effect.Effect<Network, DatabaseFailed | NetworkNotFound | NetworkAmbiguous>
  /**
   * Record a new network, made in view of those there are, in one transaction. Fails when its name is taken, and changes
   * nothing then. An empty `name` is for `make` to choose.
   */
  readonly define: (
    name: string,
    make: (networks: ReadonlyArray<Network>) => Result.Result<Network, NetworkDefinitionInvalid>,
  ) => Effect.Effect<Network, DatabaseFailed | NetworkDefinitionInvalid | NetworkExists>
  /** Ids of the containers whose configuration names the network. */
  readonly users: (name: string) => Effect.Effect<ReadonlyArray<string>, DatabaseFailed>
  /** Forget a network that no container is on. */
  readonly remove: (
    name: string,
  ) => Effect.Effect<void, DatabaseFailed | NetworkNotFound | NetworkInUse | NetworkProtected>
}

export class Networks extends Context.Service<Networks, NetworksShape>()("@cryopod/runtime/Networks") {
  static readonly layer = Layer.effect(
    Networks,
    Effect.map(Database, (database) => make(database)),
  )
}

const make = (database: Database["Service"]): NetworksShape => {
  /** A network that is there by definition is written down once, so that it has one date of creation. */
  const withDefault = Effect.gen(function* () {
    const known = yield* database.read((prepare) => networkNamed(prepare, defaultNetworkName))
    if (known !== undefined) return
    const created = DateTime.formatIso(yield* DateTime.now)
    yield* database.write((prepare) => insert(prepare, { ...defaultNetwork, created }))
  })
  const read = <A>(work: (prepare: Prepare) => A) => Effect.andThen(withDefault, database.read(work))
  const write = <A>(work: (prepare: Prepare) => A) => Effect.andThen(withDefault, database.write(work))

  return {
    list: read(allNetworks),
    find: (ref) =>
      read((prepare) => findRows(prepare, ref)).pipe(
        Effect.flatMap(([found, another]): Effect.Effect<Network, NetworkNotFound | NetworkAmbiguous> => {
          if (found === undefined) return Effect.fail(new NetworkNotFound({ ref }))
          return another === undefined ? Effect.succeed(found) : Effect.fail(new NetworkAmbiguous({ ref }))
        }),
      ),
    define: (name, makeNetwork) =>
      write((prepare) =>
        networkNamed(prepare, name) === undefined
          ? Result.flatMap(makeNetwork(allNetworks(prepare)), (network) =>
              insert(prepare, network)
                ? Result.succeed(network)
                : Result.fail(new NetworkExists({ name: network.name })),
            )
          : Result.fail(new NetworkExists({ name })),
      ).pipe(Effect.flatMap((made) => Effect.fromResult(made))),
    users: (name) => database.read((prepare) => usersOf(prepare, name)),
    remove: (name) =>
      name === defaultNetworkName
        ? Effect.fail(new NetworkProtected({ name }))
        : database
            .write((prepare) => {
              const containers = usersOf(prepare, name)
              if (containers.length > 0) return new NetworkInUse({ name, containers })
              const { changes } = prepare("delete from networks where name = ?").run(name)
              return changes > 0 ? undefined : new NetworkNotFound({ ref: name })
            })
            .pipe(Effect.flatMap((failure) => (failure === undefined ? Effect.void : Effect.fail(failure)))),
  }
}

const insert = (prepare: Prepare, network: Network): boolean =>
  prepare("insert into networks (name, id, definition) values (?, ?, ?) on conflict do nothing").run(
    network.name,
    network.id,
    JSON.stringify(network),
  ).changes > 0

/** Definitions were written by this module; a damaged one is a defect. */
const rows = (prepare: Prepare, where: string, ...values: ReadonlyArray<string>): ReadonlyArray<Network> =>
  prepare(`select definition from networks ${where}`)
    .all(...values)
    .map((row) => JSON.parse(String(row["definition"])) as Network)

const allNetworks = (prepare: Prepare) => rows(prepare, "order by name")

export const networkNamed = (prepare: Prepare, name: string): Network | undefined =>
  rows(prepare, "where name = ?", name)[0]

const findRows = (prepare: Prepare, ref: string): ReadonlyArray<Network> => {
  const exact = rows(prepare, "where name = ? or id = ?", ref, ref)
  if (exact.length > 0 || !/^[0-9a-f]+$/.test(ref)) return exact
  return rows(prepare, "where id >= ? and id < ? limit 2", ref, `${ref}g`)
}

const usersOf = (prepare: Prepare, name: string): ReadonlyArray<string> =>
  prepare(
    `select distinct containers.id from containers, json_each(containers.config, '$.attachments') as attachment
     where json_extract(attachment.value, '$.network') = ? order by containers.sequence`,
  )
    .all(name)
    .map((row) => String(row["id"]))
