/** Room for what a checkpoint is about to write, asked for while the container still runs undisturbed. */
import * as fs from "node:fs"
import { SpaceMissing, type StorageFailed } from "@cryopod/entities"
import { attemptSync, availableBytes } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type { Sink } from "./sink.ts"

/** What a dump needs besides the memory itself, generously. */
const overheadBytes = 16 * 2 ** 20

/** How much is about to be written, in bytes. */
export interface LeavingBytes {
  readonly memory: number
  /** Content of volumes that leaves the container. */
  readonly volumes: number
  /** Of that, what is put aside first. */
  readonly aside: number
}

/**
 * The dump lies in `root`. How big a compressed archive will be nobody knows; one that is not compressed needs as much
 * again where it goes.
 */
export const requireSpace = Effect.fn("checkpoint.requireSpace")(function* (
  root: string,
  sink: Sink,
  sizes: LeavingBytes,
): Effect.fn.Return<void, SpaceMissing | StorageFailed> {
  for (const need of yield* spaceNeeds(root, sink, sizes)) {
    if (need.neededBytes > need.availableBytes) return yield* new SpaceMissing(need)
  }
})

export interface SpaceNeed {
  readonly path: string
  readonly neededBytes: number
  readonly availableBytes: number
}

/** Of each file system that is written to. */
export const spaceNeeds = Effect.fnUntraced(function* (
  root: string,
  sink: Sink,
  sizes: LeavingBytes,
): Effect.fn.Return<ReadonlyArray<SpaceNeed>, StorageFailed> {
  const dumpBytes = sizes.memory + sizes.aside + overheadBytes
  const archiveBytes = sizes.memory + sizes.volumes + overheadBytes
  const beside =
    sink._tag === "Archive" && sink.compression === "none" && sink.output.directory !== undefined
      ? sink.output.directory
      : undefined
  if (beside === undefined) return [yield* spaceNeed(root, dumpBytes)]
  if (yield* sameFileSystem(root, beside)) return [yield* spaceNeed(root, dumpBytes + archiveBytes)]
  return [yield* spaceNeed(root, dumpBytes), yield* spaceNeed(beside, archiveBytes)]
})

const spaceNeed = (path: string, neededBytes: number) =>
  Effect.map(availableBytes(path), (available): SpaceNeed => ({ path, neededBytes, availableBytes: available }))

const sameFileSystem = (one: string, other: string) =>
  attemptSync("look at", other, () => fs.statSync(one).dev === fs.statSync(other).dev)
