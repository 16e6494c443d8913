/**
 * The volumes of this root, in the state database.
 *
 * Which containers use a volume is told by the containers' own configurations, so that there is nothing to keep in
 * step: a volume is removed in the transaction that finds no user, and a container is recorded before its volumes
 * are looked for.
 */
import { type DatabaseFailed, VolumeAmbiguous, VolumeExists, VolumeInUse, VolumeNotFound } from "@cryopod/entities"
import { Database, type Prepare } from "@cryopod/host"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { VolumeConfig, VolumeRecord, VolumeState } from "./VolumeRecord.ts"

export const volumeTables = `
create table if not exists volumes (
  name text primary key,
  config text not null,
  state text not null,
  sequence integer not null
) strict`

export interface VolumesShape {
  /** Record a new volume. Fails when the name is taken, and changes nothing then. */
  readonly insert: (record: VolumeRecord) => Effect.Effect<void, DatabaseFailed | VolumeExists>
  readonly get: (name: string) => Effect.Effect<VolumeRecord, DatabaseFailed | VolumeNotFound>
  /** By exact name, or by the unambiguous beginning of one. */
  readonly find: (ref: string) => Effect.Effect<VolumeRecord, DatabaseFailed | VolumeNotFound | VolumeAmbiguous>
  /** Every volume, in the order of creation. */
  readonly list: Effect.Effect<ReadonlyArray<VolumeRecord>, DatabaseFailed>
  /** Names of the volumes that carry the id of an unfinished container. */
  readonly madeFor: (id: string) => Effect.Effect<ReadonlyArray<string>, DatabaseFailed>
  /** Ids of the containers whose configuration names the volume. */
  readonly users: (name: string) => Effect.Effect<ReadonlyArray<string>, DatabaseFailed>
  /** Change the state in one transaction; the new record. */
  readonly update: (
    name: string,
    change: (state: VolumeState) => VolumeState,
  ) => Effect.Effect<VolumeRecord, DatabaseFailed | VolumeNotFound>
  /** Forget a volume that no container uses, but for those named in `except`. */
  readonly remove: (
    name: string,
    except?: ReadonlyArray<string>,
  ) => Effect.Effect<void, DatabaseFailed | VolumeNotFound | VolumeInUse>
}

export class Volumes extends Context.Service<Volumes, VolumesShape>()("@cryopod/runtime/Volumes") {
  static readonly layer = Layer.effect(
    Volumes,
    Effect.map(Database, (database) => make(database)),
  )
}

const columns = "select name, config, state from volumes"

const make = (database: Database["Service"]): VolumesShape => ({
  insert: ({ config, state }) =>
    database
      .write(
        (prepare) =>
          prepare(
            `insert into volumes (name, config, state, sequence)
             values (?, ?, ?, (select coalesce(max(sequence), 0) + 1 from volumes)) on conflict do nothing`,
          ).run(config.name, JSON.stringify(config), JSON.stringify(state)).changes > 0,
      )
      .pipe(
        Effect.flatMap((inserted) => (inserted ? Effect.void : Effect.fail(new VolumeExists({ name: config.name })))),
      ),
  get: (name) =>
    database
      .read((prepare) => rows(prepare, `${columns} where name = ?`, name)[0])
      .pipe(Effect.flatMap((found) => (found === undefined ? notFound(name) : Effect.succeed(found)))),
  find: (ref) =>
    database
      .read((prepare) => {
        const exact = rows(prepare, `${columns} where name = ?`, ref)
        // "￿" sorts behind whatever a name can go on with
        return exact.length > 0 || ref === ""
          ? exact
          : rows(prepare, `${columns} where name >= ? and name < ? limit 2`, ref, `${ref}\uFFFF`)
      })
      .pipe(
        Effect.flatMap(([found, another]): Effect.Effect<VolumeRecord, VolumeNotFound | VolumeAmbiguous> => {
          if (found === undefined) return notFound(ref)
          return another === undefined ? Effect.succeed(found) : Effect.fail(new VolumeAmbiguous({ ref }))
        }),
      ),
  list: database.read((prepare) => rows(prepare, `${columns} order by sequence`)),
  madeFor: (id) =>
    database.read((prepare) =>
      prepare("select name from volumes where json_extract(state, '$.madeFor') = ? order by sequence")
        .all(id)
        .map((row) => String(row["name"])),
    ),
  users: (name) => database.read((prepare) => usersOf(prepare, name)),
  update: (name, change) =>
    database
      .write((prepare) => {
        const [found] = rows(prepare, `${columns} where name = ?`, name)
        if (found === undefined) return undefined
        const state = change(found.state)
        prepare("update volumes set state = ? where name = ?").run(JSON.stringify(state), name)
        return { ...found, state }
      })
      .pipe(Effect.flatMap((found) => (found === undefined ? notFound(name) : Effect.succeed(found)))),
  remove: (name, except = []) =>
    database
      .write((prepare) => {
        const containers = usersOf(prepare, name).filter((id) => !except.includes(id))
        if (containers.length > 0) return new VolumeInUse({ name, containers })
        const { changes } = prepare("delete from volumes where name = ?").run(name)
        return changes > 0 ? undefined : new VolumeNotFound({ ref: name })
      })
      .pipe(Effect.flatMap((failure) => (failure === undefined ? Effect.void : Effect.fail(failure)))),
})

const notFound = (ref: string) => Effect.fail(new VolumeNotFound({ ref }))

const usersOf = (prepare: Prepare, name: string): ReadonlyArray<string> =>
  prepare(
    `select distinct containers.id from containers, json_each(containers.config, '$.mounts') as mount
     where json_extract(mount.value, '$.type') = 'volume' and json_extract(mount.value, '$.name') = ?
     order by containers.sequence`,
  )
    .all(name)
    .map((row) => String(row["id"]))

/** Both documents were written by this module; a damaged one is a defect. */
const rows = (prepare: Prepare, sql: string, ...values: ReadonlyArray<string>): ReadonlyArray<VolumeRecord> =>
  prepare(sql)
    .all(...values)
    .map((row) => ({
      config: JSON.parse(String(row["config"])) as VolumeConfig,
      state: JSON.parse(String(row["state"])) as VolumeState,
    }))
