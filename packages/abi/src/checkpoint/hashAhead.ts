/**
 * Hash the memory pages while CRIU writes them.
 *
 * An image is named by the digest of its layer, and hashing takes nearly as long as dumping. While CRIU works, we wait:
 * that time is used, as far as there is a second processor. The result is a help for `commitImage` and never a reason to
 * fail; whatever it did not come to, or guessed wrongly, is hashed afterwards.
 */
import * as fs from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { AheadDigest } from "@cryopod/archive"
import { checkpointMembers } from "@cryopod/checkpoint"
import { dumpedBytes, dumpedTasks, pagesFile } from "@cryopod/criu"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Plan } from "./preflight.ts"
import { readOr } from "@cryopod/host"

export interface Ahead {
  /** To be called when the dump is over, however it went. */
  readonly dumpEnded: Effect.Effect<void>
  /** What was hashed, when there is nothing more to come; nothing where nothing was. */
  readonly digest: Effect.Effect<AheadDigest | undefined>
}

export const nothingAhead: Ahead = { dumpEnded: Effect.void, digest: Effect.succeed(undefined) }

/** How often to look whether CRIU has come to the next task. */
const lookAgainMillis = 3

/** Begins right before the dump, with nothing of an earlier one there. Stops with the scope. */
export const hashAhead = Effect.fn("checkpoint.hashAhead")(function* ({
  paths,
  sink,
}: Plan): Effect.fn.Return<Ahead, never, Scope.Scope> {
  if (sink._tag !== "Image" || availableParallelism() < 2) return nothingAhead
  const dump = { over: false }
  const hashing = yield* Effect.forkScoped(
    Effect.tryPromise((signal) =>
      follow({ images: paths.checkpoint, log: paths.dumpLog }, () => dump.over, signal),
    ).pipe(Effect.orElseSucceed(() => undefined)),
  )
  return { dumpEnded: Effect.sync(() => void (dump.over = true)), digest: Fiber.join(hashing) }
})

interface Places {
  readonly images: string
  readonly log: string
}

const follow = async ({ images, log }: Places, over: () => boolean, signal: AbortSignal): Promise<AheadDigest> => {
  const digest = new AheadDigest()
  const member = checkpointMembers.images.name
  await digest.directory(member)
  for (let nth = 1; !signal.aborted; nth++) {
    const path = join(images, pagesFile(nth))
    const sizeBytes = await lengthOf({ nth, path, log }, over, signal)
    if (sizeBytes === undefined) break
    const file = { name: `${member}/${pagesFile(nth)}`, path, sizeBytes }
    if (!(await digest.follow(file, over, signal))) break
  }
  return digest
}

/** How long the nth file will be; undefined when there is no telling, or no such file. */
const lengthOf = async (
  { log, nth, path }: { readonly nth: number; readonly path: string; readonly log: string },
  over: () => boolean,
  signal: AbortSignal,
): Promise<number | undefined> => {
  while (!signal.aborted) {
    const ended = over()
    const tasks = dumpedTasks(readOr(log, ""))
    const task = tasks[nth - 1]
    const size = fs.statSync(path, { throwIfNoEntry: false })?.size
    // a file is as long as it will be when CRIU has gone on to the next
    if (ended || tasks.length > nth) return size
    if (task !== undefined && size !== undefined) {
      const smaps = readOr(`/proc/${task}/smaps`, "")
      return smaps === "" ? undefined : dumpedBytes(smaps)
    }
    await new Promise((resolve) => setTimeout(resolve, lookAgainMillis))
  }
  return undefined
}
