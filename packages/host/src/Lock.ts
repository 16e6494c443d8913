/**
 * A lock that dies with its holder.
 *
 * Node has no flock; an exclusive SQLite transaction on an empty file is a POSIX record lock, which the kernel drops
 * when the process ends, however it ends. Several holders within one process exclude each other too.
 */
import { type BigIntStats, closeSync, fstatSync, futimesSync, mkdirSync, openSync, rmSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { pathToFileURL } from "node:url"
import { StorageFailed } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"

/** Hold the lock until the scope closes; waits, interruptibly, for whoever has it. */
export const holdLock = (path: string): Effect.Effect<void, StorageFailed, Scope.Scope> =>
  Effect.acquireRelease(
    tryLock(path).pipe(
      Effect.retry({
        while: (error) => error === "held",
        schedule: Schedule.jittered(Schedule.spaced("10 millis")),
      }),
      Effect.catchIf(
        (error): error is "held" => error === "held",
        () => Effect.die("a lock is waited for without limit"),
      ),
    ),
    (lock) => Effect.sync(() => lock.close()),
    { interruptible: true },
  ).pipe(Effect.asVoid)

/** Forget a lock file whose object is gone. Called by the holder; waiters notice and look again. */
export const dropLock = (path: string): Effect.Effect<void> => Effect.sync(() => rmSync(path, { force: true }))

const tryLock = (path: string): Effect.Effect<DatabaseSync, "held" | StorageFailed> =>
  Effect.try({
    try: () => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      const wanted = fileAt(path) ?? created(path)
      const dropped = () => fileAt(path) !== wanted
      let db: DatabaseSync | undefined
      try {
        db = new DatabaseSync(existing(path), { timeout: 0 })
        // a journal would have a file beside this one, by a name that a dropped lock shares with the next
        db.exec("pragma journal_mode = memory; begin exclusive")
        // the file was dropped and perhaps made anew before it was locked: this lock then protects nothing
        if (dropped()) throw new LockGone()
        return db
      } catch (cause) {
        // SQLite complains in several ways of a file that is dropped under its hands
        const gone = dropped()
        db?.close()
        throw gone ? new LockGone() : cause
      }
    },
    catch: (cause) => {
      const { code, errcode } = cause as { readonly code?: string; readonly errcode?: number }
      if (cause instanceof LockGone || errcode === busy || code === "EEXIST" || code === "ENOENT")
        return "held" as const
      return new StorageFailed({ operation: "lock", path, code: code ?? String(cause) })
    },
  })

/** What SQLite says of a lock that somebody has. */
const busy = 5

/** The file as SQLite opens it, but never makes it: all are made here, so that each can be told from the others. */
const existing = (path: string): URL => {
  const url = pathToFileURL(path)
  url.searchParams.set("mode", "rw")
  return url
}

/** Which file a name means now. Its number alone would not tell: a file system gives that of a dropped one to the next. */
const fileAt = (path: string): string | undefined => {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? undefined : identityOf(found)
}

const identityOf = ({ ino, mtimeNs }: BigIntStats): string => `${ino} ${mtimeNs}`

/** Only a file that is new may be closed: closing another would end the locks that this process has on it. */
const created = (path: string): string => {
  const file = openSync(path, "wx", 0o600)
  try {
    // nothing is ever written to it: its time of change is free to be a name that no other has
    const name = Math.random() * 2 ** 31
    futimesSync(file, name, name)
    return identityOf(fstatSync(file, { bigint: true }))
  } finally {
    closeSync(file)
  }
}

class LockGone extends Error {}
