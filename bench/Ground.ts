/** The ground that a run stands on: a directory, and whatever must be undone at the end, the last thing first. */
import { mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { run } from "./run.ts"

export interface Ground {
  readonly directory: string
  readonly path: (...parts: ReadonlyArray<string>) => string
  /** Undo something at the end, whatever becomes of the run. */
  readonly later: (undo: () => Promise<unknown>) => void
}

export const onGround = async (parent: string, work: (ground: Ground) => Promise<void>): Promise<void> => {
  const directory = mkdtempSync(join(parent, "cryopod-bench."))
  const undoing: Array<() => Promise<unknown>> = []
  try {
    await work({ directory, path: (...parts) => join(directory, ...parts), later: (undo) => void undoing.push(undo) })
  } finally {
    for (const undo of undoing.toReversed()) await undo().catch((cause: unknown) => console.error("bench:", cause))
    await run(["sh", "-c", `awk '$2 ~ "^${directory}/" { print $2 }' /proc/mounts | sort -r | xargs -r umount -l`])
    rmSync(directory, { recursive: true, force: true, maxRetries: 20 })
  }
}
