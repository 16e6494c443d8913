/**
 * The pods of this root, in the state database.
 *
 * Which containers a pod has is told by the containers' own configurations, so that there is nothing to keep in step.
 */
import { type DatabaseFailed, NoPods, PodAmbiguous, PodNameInUse, PodNotFound } from "@cryopod/entities"
import { Database, type Prepare } from "@cryopod/host"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { PodConfig, PodOperation, PodRecord } from "./PodRecord.ts"

export const podTables = `
create table if not exists pods (
  id text primary key,
  name text not null unique,
  config text not null,
  operation text not null,
  sequence integer not null
) strict`

export interface PodsShape {
  /** Record a new pod. Fails when the name is taken, and changes nothing then. */
  readonly insert: (record: PodRecord) => Effect.Effect<void, DatabaseFailed | PodNameInUse>
  readonly get: (id: string) => Effect.Effect<PodRecord, DatabaseFailed | PodNotFound>
  /** By exact name, exact id, or unambiguous beginning of an id, in this order. */
  readonly find: (ref: string) => Effect.Effect<PodRecord, DatabaseFailed | PodNotFound | PodAmbiguous>
  readonly latest: Effect.Effect<PodRecord, DatabaseFailed | NoPods>
  /** Every pod, the one created last first. */
  readonly list: Effect.Effect<ReadonlyArray<PodRecord>, DatabaseFailed>
  /** Write down which operation has begun, or that none is under way. */
  readonly mark: (id: string, operation: PodOperation | undefined) => Effect.Effect<void, DatabaseFailed>
  readonly remove: (id: string) => Effect.Effect<void, DatabaseFailed>
}

export class Pods extends Context.Service<Pods, PodsShape>()("@cryopod/runtime/Pods") {
  static readonly layer = Layer.effect(
    Pods,
    Effect.map(Database, (database) => make(database)),
  )
}

const columns = "select config, operation from pods"
const newestFirst = "order by sequence desc"

const make = (database: Database["Service"]): PodsShape => ({
  insert: ({ config, operation = "" }) =>
    database
      .write((prepare) => {
        if (rows(prepare, `${columns} where name = ?`, config.name).length > 0) return false
        prepare(
          `insert into pods (id, name, config, operation, sequence)
           values (?, ?, ?, ?, (select coalesce(max(sequence), 0) + 1 from pods))`,
        ).run(config.id, config.name, JSON.stringify(config), operation)
        return true
      })
      .pipe(
        Effect.flatMap((inserted) => (inserted ? Effect.void : Effect.fail(new PodNameInUse({ name: config.name })))),
      ),
  get: (id) =>
    database
      .read((prepare) => rows(prepare, `${columns} where id = ?`, id)[0])
      .pipe(
        Effect.flatMap((found) =>
          found === undefined ? Effect.fail(new PodNotFound({ ref: id })) : Effect.succeed(found),
        ),
      ),
  find: (ref) =>
    database
      .read((prepare) => findRows(prepare, ref))
      .pipe(
        Effect.flatMap(([found, another]): Effect.Effect<PodRecord, PodNotFound | PodAmbiguous> => {
          if (found === undefined) return Effect.fail(new PodNotFound({ ref }))
          return another === undefined ? Effect.succeed(found) : Effect.fail(new PodAmbiguous({ ref }))
        }),
      ),
  latest: database
    .read((prepare) => rows(prepare, `${columns} ${newestFirst} limit 1`)[0])
    .pipe(Effect.flatMap((found) => (found === undefined ? Effect.fail(new NoPods()) : Effect.succeed(found)))),
  list: database.read((prepare) => rows(prepare, `${columns} ${newestFirst}`)),
  mark: (id, operation) =>
    Effect.asVoid(
      database.write((prepare) => prepare("update pods set operation = ? where id = ?").run(operation ?? "", id)),
    ),
  remove: (id) => Effect.asVoid(database.write((prepare) => prepare("delete from pods where id = ?").run(id))),
})

const findRows = (prepare: Prepare, ref: string): ReadonlyArray<PodRecord> => {
  const [exact] = [...rows(prepare, `${columns} where name = ?`, ref), ...rows(prepare, `${columns} where id = ?`, ref)]
  if (exact !== undefined) return [exact]
  if (!/^[0-9a-f]+$/.test(ref)) return []
  return rows(prepare, `${columns} where id >= ? and id < ? limit 2`, ref, `${ref}g`)
}

/** The document was written by this module; a damaged one is a defect. */
const rows = (prepare: Prepare, sql: string, ...values: ReadonlyArray<string>): ReadonlyArray<PodRecord> =>
  prepare(sql)
    .all(...values)
    .map((row) => ({
      config: JSON.parse(String(row["config"])) as PodConfig,
      ...(row["operation"] === "" ? {} : { operation: String(row["operation"]) as PodOperation }),
    }))
