/** Mounts of this mount namespace: the root filesystems and shared memory of containers. */
import { closeSync, constants, openSync, readFileSync, realpathSync } from "node:fs"
import type { ToolFailed, ToolMissing } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { run, runOk, startBehind } from "./Process.ts"
import { Tools } from "./Tools.ts"

/** Mount points at or below a path, the deepest first. */
export const mountsBelow = (path: string): ReadonlyArray<string> =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => unescapeMount(line.split(" ")[4] ?? ""))
    .filter((point) => point === path || point.startsWith(`${path}/`))
    .toReversed()

export const isMounted = (path: string): boolean => mountsBelow(path).includes(path)

/** Per-mount flags of the mount that a path lies on: `nosuid`, `nodev` and so on (proc(5), mountinfo). */
export const mountFlagsAt = (path: string): ReadonlySet<string> => {
  const real = realpathSync(path)
  let found = { point: "", flags: "" }
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
    const words = line.split(" ")
    const point = unescapeMount(words[4] ?? "")
    const below = point === "/" || real === point || real.startsWith(`${point}/`)
    // of several mounts on one point the last one counts
    if (point !== "" && below && point.length >= found.point.length) found = { point, flags: words[5] ?? "" }
  }
  return new Set(found.flags.split(","))
}

export interface Mount {
  readonly type: "overlay" | "tmpfs"
  readonly target: string
  readonly options: ReadonlyArray<string>
}

export const mountAt = Effect.fnUntraced(function* (
  mount: Mount,
): Effect.fn.Return<void, ToolMissing | ToolFailed, Tools> {
  const tools = yield* Tools
  yield* runOk(yield* tools.path("mount"), ["-t", mount.type, "-o", mount.options.join(","), mount.type, mount.target])
})

/**
 * Unmount everything at and below a path. A mount that is still in use goes as soon as it is not.
 *
 * Whoever lets go of an overlay last waits until all of the file system below it is on the disk: the kernel syncs it for
 * that. A program behind this one does the waiting.
 */
export const unmountBelow = (path: string): Effect.Effect<void, ToolMissing, Tools> =>
  Effect.scoped(
    Effect.gen(function* () {
      const points = mountsBelow(path)
      if (points.length === 0) return
      const umount = yield* (yield* Tools).path("umount")
      const held = yield* Effect.forEach(points, holdMount)
      yield* run(umount, ["-l", ...points])
      yield* startBehind([umount, "--version"], held.flat())
    }),
  )

/** A descriptor of a mount point, while the scope is open; none of one that cannot be looked at. */
const holdMount = (point: string): Effect.Effect<ReadonlyArray<number>, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      try {
        return [openSync(point, constants.O_RDONLY | constants.O_DIRECTORY)]
      } catch {
        return []
      }
    }),
    (descriptors) => Effect.sync(() => descriptors.forEach((descriptor) => closeSync(descriptor))),
  )

/** `mountinfo` writes blanks, tabs, newlines and backslashes as octal escapes (proc(5)). */
const unescapeMount = (text: string) =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
