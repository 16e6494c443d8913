/**
 * A lock that dies with its holder.
 *
 * Node has no flock; an exclusive SQLite transaction on an empty file is a POSIX record lock, which the kernel drops
 * when the process ends, however it ends. Several holders within one process exclude each other too.
 */
import { mkdirSync, rmSync, statSync } from "node:fs"
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
      const db = new DatabaseSync(path, { timeout: 0 })
      try {
        const opened = statSync(path).ino
        db.exec("begin exclusive")
        // the file was dropped and perhaps made anew between open and lock: this lock then protects nothing
        if (statSync(path).ino !== opened) throw new LockGone()
        return db
      } catch (cause) {
        db.close()
        throw cause
      }
    },
    catch: (cause) => {
      const { code, errcode } = cause as { readonly code?: string; readonly errcode?: number }
      if (cause instanceof LockGone || code === "ENOENT" || errcode === 5) return "held" as const
      return new StorageFailed({ operation: "lock", path, code: code ?? String(cause) })
    },
  })

class LockGone extends Error {}
