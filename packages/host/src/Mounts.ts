/** Mounts of this mount namespace: the root filesystems and shared memory of containers. */
import { closeSync, constants, openSync, readFileSync, realpathSync } from "node:fs"
import type { ToolFailed, ToolMissing } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { runLingering, runOk } from "./Process.ts"
import { Tools } from "./Tools.ts"

export interface Mounted {
  readonly point: string
  /** Those of the mount: `nosuid`, `nodev` and so on. */
  readonly flags: string
  readonly type: string
}

/** What `mountinfo` has (proc(5)), this process's own by default, in the order it was mounted in. */
export const mounted = (mountinfo: string = readFileSync("/proc/self/mountinfo", "utf8")): ReadonlyArray<Mounted> =>
  mountinfo
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [of = "", from = ""] = line.split(" - ")
      const [, , , , point = "", flags = ""] = of.split(" ")
      return { point: unescapeMount(point), flags, type: from.split(" ")[0] ?? "" }
    })

const lies = (point: string, path: string): boolean => point === path || point.startsWith(`${path}/`)

/** The deepest first. */
const mountedBelow = (path: string): ReadonlyArray<Mounted> =>
  mounted()
    .filter(({ point }) => lies(point, path))
    .toReversed()

/** Mount points at or below a path, the deepest first. */
export const mountsBelow = (path: string): ReadonlyArray<string> => mountedBelow(path).map(({ point }) => point)

export const isMounted = (path: string): boolean => mountsBelow(path).includes(path)

/** Per-mount flags of the mount that a path lies on: `nosuid`, `nodev` and so on (proc(5), mountinfo). */
export const mountFlagsAt = (path: string): ReadonlySet<string> => {
  const real = realpathSync(path)
  let found: Pick<Mounted, "point" | "flags"> = { point: "", flags: "" }
  for (const mount of mounted()) {
    const below = mount.point === "/" || lies(real, mount.point)
    // of several mounts on one point the last one counts
    if (below && mount.point.length >= found.point.length) found = mount
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

/** What is written down behind an unmount takes no longer. */
const lingeringMillis = 1000

/** Unmounts, says so, and has its descriptors until its input ends. */
const unmounting = 'umount=$1; shift; "$umount" -l "$@"; echo; exec >&-; read -r _'

/**
 * Unmount everything at and below a path. A mount that is still in use goes as soon as it is not.
 *
 * Whoever lets go of an overlay last waits until all of the file system below it is on the disk: the kernel syncs it for
 * that, and whatever is removed or synced there meanwhile waits as well. A program that has it open does so behind this one.
 */
export const unmountBelow = (path: string): Effect.Effect<void, ToolMissing, Tools> =>
  Effect.scoped(
    Effect.gen(function* () {
      const below = mountedBelow(path)
      if (below.length === 0) return
      const umount = yield* (yield* Tools).path("umount")
      // a network namespace is to end with its mount, and takes no time for that
      const held = yield* Effect.forEach(
        below.filter(({ type }) => type !== "nsfs"),
        ({ point }) => holdMount(point),
      )
      yield* runLingering("/bin/sh", ["-c", unmounting, "sh", umount, ...below.map(({ point }) => point)], {
        descriptors: held.flat(),
        millis: lingeringMillis,
      })
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
