/**
 * A lock that dies with its holder.
 *
 * Node has no flock; an exclusive SQLite transaction on an empty file is a POSIX record lock, which the kernel drops
 * when the process ends, however it ends. Several holders within one process exclude each other too.
 */
import { closeSync, fstatSync, mkdirSync, openSync, rmSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { DatabaseSync } from "node:sqlite"
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
      const db = new DatabaseSync(path, { timeout: 0 })
      // asked before it is closed: afterwards its number may be another's
      const dropped = () => fileAt(path) !== wanted
      try {
        db.exec("begin exclusive")
        // the file was dropped and perhaps made anew before it was locked: this lock then protects nothing
        if (dropped()) throw new LockGone()
        return db
      } catch (cause) {
        // SQLite complains in several ways of a file that is dropped under its hands
        const gone = dropped()
        db.close()
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

const busy = 5

/** Which file a name means now. */
const fileAt = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino

/** Only a file that is new may be closed: closing another would end the locks that this process has on it. */
const created = (path: string): number => {
  const file = openSync(path, "wx", 0o600)
  try {
    return fstatSync(file).ino
  } finally {
    closeSync(file)
  }
}

class LockGone extends Error {}
