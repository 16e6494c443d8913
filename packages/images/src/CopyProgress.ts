/**
 * How far skopeo has come, which says nothing of it where there is no terminal. An image on its way in grows in a layout of
 * ours; of one on its way out the blobs are read from one, as the positions in skopeo's open files tell (proc(5)).
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { Progress, type ToolMissing } from "@cryopod/entities"
import { measured, type RunResult } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { hexOf } from "./ImageRecord.ts"
import type { Copy } from "./Transport.ts"

interface Copying {
  readonly pid: () => number
  /** What is fetched of an image before it is copied, to know how big that is. */
  readonly manifest: Effect.Effect<RunResult, ToolMissing>
}

export const copyMeasured = <E, R>(
  { from, operation, to }: Copy,
  work: Effect.Effect<RunResult, E, R>,
  { manifest, pid }: Copying,
): Effect.Effect<RunResult, E, R> => {
  if (operation === "push" && from._tag === "Path") {
    const blobs = join(from.path, "blobs", "sha256")
    const seen = new Map<string, number>()
    return measured(work, {
      step: () => ({ what: "push", totalBytes: sizeOf(blobs) }),
      reached: () => readSoFar(pid(), blobs, seen),
    })
  }
  if (operation !== "pull" || to._tag !== "Path") return work
  const blobs = join(to.path, "blobs", "sha256")
  // what is on its way lies beside them
  const grown = () => sizeOf(blobs) + sizeOf(to.path)
  const known = grown()
  const growing = measured(work, { step: () => ({ what: "pull" }), reached: () => grown() - known })
  return Effect.flatMap(Progress, (listener) => {
    if (listener === undefined) return growing
    const telling = Effect.map(manifest, ({ stdout }) => {
      const totalBytes = missingBytes(stdout, blobs)
      if (totalBytes !== undefined) listener.step({ what: "pull", totalBytes })
    })
    // a manifest that cannot be had is no failure of the copy
    return Effect.scoped(Effect.andThen(Effect.forkScoped(Effect.ignore(telling)), growing))
  })
}

/** Of the files in a directory, without those below it. */
const sizeOf = (directory: string): number =>
  (fs.existsSync(directory) ? fs.readdirSync(directory) : [])
    .map((name) => fs.statSync(join(directory, name), { throwIfNoEntry: false }))
    .reduce((sum, stat) => sum + (stat?.isFile() === true ? stat.size : 0), 0)

/** Layers that are not there yet; undefined for what is no manifest of one image. */
const missingBytes = (text: string, blobs: string): number | undefined => {
  try {
    const { layers } = JSON.parse(text) as {
      readonly layers?: ReadonlyArray<{ readonly digest: string; readonly size: number }>
    }
    return layers
      ?.filter(({ digest }) => !fs.existsSync(join(blobs, hexOf(digest))))
      .reduce((sum, { size }) => sum + size, 0)
  } catch {
    return undefined
  }
}

/** Of blobs that have been seen open, as far as they were read at last; those that are closed again were read to their end. */
const readSoFar = (pid: number, blobs: string, seen: Map<string, number>): number => {
  const open = new Set<string>()
  for (const fd of fs.readdirSync(`/proc/${pid}/fd`)) {
    const path = fs.readlinkSync(`/proc/${pid}/fd/${fd}`)
    if (!path.startsWith(`${blobs}/`)) continue
    const position = Number(/^pos:\s*(\d+)$/m.exec(fs.readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))?.[1] ?? 0)
    open.add(path)
    seen.set(path, Math.max(position, seen.get(path) ?? 0))
  }
  return [...seen].reduce((sum, [path, bytes]) => sum + (open.has(path) ? bytes : fs.statSync(path).size), 0)
}
