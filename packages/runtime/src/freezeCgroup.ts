/**
 * The processes of a container stand still, or go on, by a word to their cgroup: what a runtime's `pause` and `resume` do under
 * v2, without a program to be started for it.
 *
 * Kernel documentation, cgroup-v2: `cgroup.freeze` takes the wish, and `cgroup.events` tells when it has come true.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { cgroupLayout } from "./CgroupLayout.ts"
import { cgroupsPath } from "./OciSpec.ts"

/** For longer only processes that the kernel is busy with can keep a container from standing still. */
const patience = "2 seconds"

type Wish = "freeze" | "thaw"
const values = { freeze: "1", thaw: "0" } as const

/** False, and nothing has changed, where it cannot be done: in v1, for a container that is not there, in vain. */
export const freezeCgroup = Effect.fnUntraced(function* (id: string, wish: Wish): Effect.fn.Return<boolean> {
  const directory = join("/sys/fs/cgroup", cgroupsPath(id))
  if (cgroupLayout() !== "v2" || !ask(directory, wish)) return false
  const granted = yield* Effect.sync(() => isFrozen(directory) !== values[wish]).pipe(
    Effect.repeat({ while: (waits) => waits, schedule: Schedule.spaced("1 millis") }),
    Effect.timeoutOption(patience),
  )
  if (Option.isSome(granted)) return true
  ask(directory, wish === "freeze" ? "thaw" : "freeze")
  return false
})

const ask = (directory: string, wish: Wish): boolean => {
  try {
    fs.writeFileSync(join(directory, "cgroup.freeze"), values[wish])
    return true
  } catch {
    return false
  }
}

/** Absent when the container has ended meanwhile. */
const isFrozen = (directory: string): string | undefined => {
  try {
    return /^frozen ([01])$/m.exec(fs.readFileSync(join(directory, "cgroup.events"), "utf8"))?.[1]
  } catch {
    return undefined
  }
}
