/**
 * File operations as effects with one typed failure.
 *
 * Every touch of the file system below the engine goes through these two functions, so that a full disk or a missing
 * permission is a value with the path in it and never a defect.
 */
import * as Effect from "effect/Effect"
import { StorageFailed } from "@cryopod/entities"

/** The failure that an error with an errno is; anything else is a defect of ours. */
export const storageFailure = (operation: string, path: string) => (cause: unknown) => {
  // what the bytes came from has failed, and says so itself
  if (cause instanceof StorageFailed) return cause
  const code = (cause as { readonly code?: unknown }).code
  if (typeof code !== "string") throw cause
  return new StorageFailed({ operation, path, code })
}

/** Run asynchronous file work, told when it is interrupted; anything without an errno is a defect of ours. */
export const attempt = <A>(
  operation: string,
  path: string,
  work: (signal: AbortSignal) => Promise<A>,
): Effect.Effect<A, StorageFailed> => Effect.tryPromise({ try: work, catch: storageFailure(operation, path) })

/** Run short synchronous file work, which for small files costs a tenth of the asynchronous kind. */
export const attemptSync = <A>(operation: string, path: string, work: () => A): Effect.Effect<A, StorageFailed> =>
  Effect.try({ try: work, catch: storageFailure(operation, path) })
