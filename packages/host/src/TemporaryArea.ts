/**
 * Directories for half-made things.
 *
 * An area lives in ROOT/tmp, on the file system of everything that is made in it, so that finished parts leave it by
 * rename. Its name tells whose it is (`Ownership`): what a killed process left behind is removed by whoever makes the next
 * area, and the area of a living process is never touched.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import type { StorageFailed } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { attemptSync } from "./Attempt.ts"
import { removeTree } from "./Files.ts"
import { isAbandoned, ownedName } from "./Ownership.ts"

/** A directory below `temporary`, for the owner alone, removed with whatever is in it when the scope closes. */
export const temporaryArea = (temporary: string): Effect.Effect<string, StorageFailed, Scope.Scope> =>
  Effect.andThen(
    sweepTemporary(temporary),
    Effect.acquireRelease(
      attemptSync("make directory", temporary, () => {
        fs.mkdirSync(temporary, { recursive: true, mode: 0o700 })
        const area = join(temporary, ownedName())
        fs.mkdirSync(area, { mode: 0o700 })
        return area
      }),
      // what cannot be removed now is swept later
      (area) => Effect.ignore(removeTree(area)),
    ),
  )

/** Remove the areas of processes that are gone. */
export const sweepTemporary = Effect.fnUntraced(function* (temporary: string): Effect.fn.Return<void, StorageFailed> {
  const abandoned = yield* attemptSync("read directory", temporary, () =>
    fs.existsSync(temporary) ? fs.readdirSync(temporary).filter(isAbandoned) : [],
  )
  // another process may be sweeping the same area
  for (const name of abandoned) yield* Effect.ignore(removeTree(join(temporary, name)))
})
