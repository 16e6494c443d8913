/** The containers of this root, in the state database. */
import { ContainerAmbiguous, ContainerNotFound, type DatabaseFailed, NameInUse, NoContainers } from "@cryopod/entities"
import { Database, type Prepare } from "@cryopod/host"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ContainerConfig, ContainerRecord, ContainerState } from "./ContainerRecord.ts"

export const containerTables = `
create table if not exists containers (
  id text primary key,
  name text not null unique,
  created_at text not null,
  image_id text not null,
  config text not null,
  state text not null,
  sequence integer not null
) strict;
create index if not exists containers_by_image on containers (image_id);
create table if not exists exit_codes (
  id text primary key,
  exit_code integer not null,
  removed_at integer not null
) strict`

/** Whoever waits for a container that removes itself may look only after it is gone. */
const exitCodeSeconds = 300

export interface ContainersShape {
  /** Record a new container. Fails when the name or the id is taken, and changes nothing then. */
  readonly insert: (record: ContainerRecord) => Effect.Effect<void, DatabaseFailed | NameInUse>
  readonly get: (id: string) => Effect.Effect<ContainerRecord, DatabaseFailed | ContainerNotFound>
  /** By exact name, exact id, or unambiguous beginning of an id, in this order. */
  readonly find: (
    ref: string,
  ) => Effect.Effect<ContainerRecord, DatabaseFailed | ContainerNotFound | ContainerAmbiguous>
  readonly latest: Effect.Effect<ContainerRecord, DatabaseFailed | NoContainers>
  /** Every container, the one created last first. */
  readonly list: Effect.Effect<ReadonlyArray<ContainerRecord>, DatabaseFailed>
  readonly byImage: (imageId: string) => Effect.Effect<ReadonlyArray<ContainerRecord>, DatabaseFailed>
  /** Change the state in one transaction; the new record. */
  readonly update: (
    id: string,
    change: (state: ContainerState) => ContainerState,
  ) => Effect.Effect<ContainerRecord, DatabaseFailed | ContainerNotFound>
  /** Change the configuration in one transaction; the new record. */
  readonly configure: (
    id: string,
    change: (config: ContainerConfig) => ContainerConfig,
  ) => Effect.Effect<ContainerRecord, DatabaseFailed | ContainerNotFound>
  readonly rename: (id: string, name: string) => Effect.Effect<void, DatabaseFailed | NameInUse>
  /** Its exit code is known for five minutes more. */
  readonly remove: (id: string) => Effect.Effect<void, DatabaseFailed>
  /** Exit code of a container that is gone; undefined when nobody knows any more. */
  readonly exitCode: (id: string) => Effect.Effect<number | undefined, DatabaseFailed>
}

export class Containers extends Context.Service<Containers, ContainersShape>()("@cryopod/runtime/Containers") {
  static readonly layer = Layer.effect(
    Containers,
    Effect.map(Database, (database) => make(database)),
  )
}

interface Row {
  readonly id: string
  readonly name: string
  readonly config: string
  readonly state: string
}

const columns = "select id, name, config, state from containers"
const newestFirst = "order by sequence desc"

const make = (database: Database["Service"]): ContainersShape => {
  const get = (id: string) =>
    database
      .read((prepare) => row(prepare, `${columns} where id = ?`, id))
      .pipe(
        Effect.flatMap((found) =>
          found === undefined ? Effect.fail(new ContainerNotFound({ ref: id })) : Effect.succeed(found),
        ),
      )

  /** One of the two documents of a container made another. */
  const changed = <Document extends "config" | "state">(
    document: Document,
    id: string,
    change: (before: ContainerRecord[Document]) => ContainerRecord[Document],
  ) =>
    database
      .write((prepare) => {
        const found = row(prepare, `${columns} where id = ?`, id)
        if (found === undefined) return undefined
        const after = change(found[document])
        prepare(`update containers set ${document} = ? where id = ?`).run(JSON.stringify(after), id)
        return { ...found, [document]: after }
      })
      .pipe(
        Effect.flatMap((found) =>
          found === undefined ? Effect.fail(new ContainerNotFound({ ref: id })) : Effect.succeed(found),
        ),
      )

  return {
    insert: (record) =>
      database
        .write((prepare) => {
          const clash = row(prepare, `${columns} where name = ? or id = ?`, record.name, record.id)
          if (clash !== undefined) return clash
          prepare(
            `insert into containers (id, name, created_at, image_id, config, state, sequence)
             values (?, ?, ?, ?, ?, ?, (select coalesce(max(sequence), 0) + 1 from containers))`,
          ).run(
            record.id,
            record.name,
            record.config.createdAt,
            record.config.imageId,
            JSON.stringify(record.config),
            JSON.stringify(record.state),
          )
          return undefined
        })
        .pipe(
          Effect.flatMap((clash) => (clash === undefined ? Effect.void : Effect.fail(nameInUse(record.name, clash)))),
        ),
    get,
    find: (ref) =>
      database
        .read((prepare) => findRows(prepare, ref))
        .pipe(
          Effect.flatMap(([found, another]): Effect.Effect<ContainerRecord, ContainerNotFound | ContainerAmbiguous> => {
            if (found === undefined) return Effect.fail(new ContainerNotFound({ ref }))
            return another === undefined ? Effect.succeed(found) : Effect.fail(new ContainerAmbiguous({ ref }))
          }),
        ),
    latest: database
      .read((prepare) => row(prepare, `${columns} ${newestFirst} limit 1`))
      .pipe(Effect.flatMap((found) => (found === undefined ? Effect.fail(new NoContainers()) : Effect.succeed(found)))),
    list: database.read((prepare) => rows(prepare, `${columns} ${newestFirst}`)),
    byImage: (imageId) =>
      database.read((prepare) => rows(prepare, `${columns} where image_id = ? ${newestFirst}`, imageId)),
    update: (id, change) => changed("state", id, change),
    configure: (id, change) => changed("config", id, change),
    rename: (id, name) =>
      database
        .write((prepare) => {
          const clash = row(prepare, `${columns} where name = ? and id <> ?`, name, id)
          if (clash === undefined) prepare("update containers set name = ? where id = ?").run(name, id)
          return clash
        })
        .pipe(Effect.flatMap((clash) => (clash === undefined ? Effect.void : Effect.fail(nameInUse(name, clash))))),
    remove: (id) =>
      database.write((prepare) => {
        prepare("delete from exit_codes where removed_at < unixepoch() - ?").run(exitCodeSeconds)
        prepare(
          `insert or replace into exit_codes
           select id, json_extract(state, '$.exitCode'), unixepoch() from containers where id = ?`,
        ).run(id)
        prepare("delete from containers where id = ?").run(id)
      }),
    exitCode: (id) =>
      database
        .read((prepare) => prepare("select exit_code from exit_codes where id = ?").get(id)?.["exit_code"])
        .pipe(Effect.map((code) => (code === undefined ? undefined : Number(code)))),
  }
}

const nameInUse = (name: string, clash: ContainerRecord) => new NameInUse({ name, id: clash.id })

const findRows = (prepare: Prepare, ref: string): ReadonlyArray<ContainerRecord> => {
  const exact = row(prepare, `${columns} where name = ?`, ref) ?? row(prepare, `${columns} where id = ?`, ref)
  if (exact !== undefined) return [exact]
  if (!/^[0-9a-f]+$/.test(ref)) return []
  return rows(prepare, `${columns} where id >= ? and id < ? limit 2`, ref, `${ref}g`)
}

const rows = (prepare: Prepare, sql: string, ...values: ReadonlyArray<string>): ReadonlyArray<ContainerRecord> =>
  (prepare(sql).all(...values) as unknown as ReadonlyArray<Row>).map(recordOf)

const row = (prepare: Prepare, sql: string, ...values: ReadonlyArray<string>): ContainerRecord | undefined =>
  rows(prepare, sql, ...values)[0]

/** Both documents were written by this module; a damaged one is a defect. */
const recordOf = (row: Row): ContainerRecord => ({
  id: row.id,
  name: row.name,
  config: JSON.parse(row.config) as ContainerConfig,
  state: JSON.parse(row.state) as ContainerState,
})
