/**
 * The state database: one SQLite file in WAL mode, used by any number of processes at once.
 *
 * Writes are short `BEGIN IMMEDIATE` transactions: a deferred one that reads first fails at once when another process
 * writes in between, whatever the timeout. A busy database is waited for without blocking the thread.
 */
import { mkdirSync } from "node:fs"
import { dirname } from "node:path"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { DatabaseFailed } from "@cryopod/entities"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { attemptSync } from "./Attempt.ts"

/** Prepared statements of the open database, by their text. */
export type Prepare = (sql: string) => StatementSync

export interface DatabaseShape {
  readonly read: <A>(work: (prepare: Prepare) => A) => Effect.Effect<A, DatabaseFailed>
  /** All of the work, or none of it. The work must not wait for anything. */
  readonly write: <A>(work: (prepare: Prepare) => A) => Effect.Effect<A, DatabaseFailed>
}

export class Database extends Context.Service<Database, DatabaseShape>()("@cryopod/host/Database") {
  /** `tables` are the `create table if not exists` statements of the packages that keep state. */
  static readonly layer = (path: string, tables: ReadonlyArray<string>) => Layer.effect(Database, open(path, tables))
}

/** How long one call blocks on a busy database before it is tried again later. */
const blockingMillis = 20
const retries = { schedule: Schedule.jittered(Schedule.spaced("5 millis")), times: 1500 }
const sqliteBusy = 5

const open = Effect.fnUntraced(function* (path: string, tables: ReadonlyArray<string>) {
  const attemptDb = <A>(work: () => A): Effect.Effect<A, Busy | DatabaseFailed> =>
    Effect.try({ try: work, catch: (cause) => failure(path, cause) })
  const patiently = <A>(effect: Effect.Effect<A, Busy | DatabaseFailed>): Effect.Effect<A, DatabaseFailed> =>
    effect.pipe(
      Effect.retry({ while: (error) => error instanceof Busy, ...retries }),
      Effect.catchIf(
        (error): error is Busy => error instanceof Busy,
        () => Effect.fail(new DatabaseFailed({ path, detail: "busy for too long" })),
      ),
    ) as Effect.Effect<A, DatabaseFailed>

  yield* attemptSync(
    "make directory",
    dirname(path),
    () => void mkdirSync(dirname(path), { recursive: true, mode: 0o711 }),
  )
  const db = yield* Effect.acquireRelease(
    patiently(attemptDb(() => new DatabaseSync(path, { timeout: blockingMillis }))),
    (opened) => Effect.sync(() => opened.close()),
  )
  yield* patiently(attemptDb(() => db.exec("pragma journal_mode=wal; pragma synchronous=full; pragma foreign_keys=on")))
  if (!(yield* patiently(attemptDb(() => hasTables(db, tables))))) {
    yield* patiently(attemptDb(() => db.exec(`begin immediate; ${tables.join(";")}; commit`)))
  }

  const statements = new Map<string, StatementSync>()
  const prepare: Prepare = (sql) => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const made = db.prepare(sql)
    statements.set(sql, made)
    return made
  }
  return Database.of({
    read: (work) => patiently(attemptDb(() => work(prepare))),
    write: (work) =>
      patiently(
        attemptDb(() => {
          db.exec("begin immediate")
          try {
            const result = work(prepare)
            db.exec("commit")
            return result
          } catch (cause) {
            db.exec("rollback")
            throw cause
          }
        }),
      ),
  })
})

/** The schema is made once; looking costs less than the write lock that `create table if not exists` takes. */
const hasTables = (db: DatabaseSync, tables: ReadonlyArray<string>) => {
  const wanted = tables.join(";").match(/create table/g)?.length ?? 0
  const { count } = db.prepare("select count(*) as count from sqlite_master where type = 'table'").get() as {
    count: number
  }
  return count >= wanted
}

class Busy extends Error {}

const failure = (path: string, cause: unknown): Busy | DatabaseFailed => {
  const { errcode, message } = cause as { readonly errcode?: number; readonly message?: string }
  if (errcode === undefined) throw cause
  return (errcode & 0xff) === sqliteBusy
    ? new Busy()
    : new DatabaseFailed({ path, detail: message ?? "unknown failure" })
}
