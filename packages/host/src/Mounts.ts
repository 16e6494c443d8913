/** Mounts of this mount namespace: the root filesystems and shared memory of containers. */
import { readFileSync } from "node:fs"
import type { ToolFailed, ToolMissing } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { run, runOk } from "./Process.ts"
import { Tools } from "./Tools.ts"

/** Mount points at or below a path, the deepest first. */
export const mountsBelow = (path: string): ReadonlyArray<string> =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => unescapeMount(line.split(" ")[4] ?? ""))
    .filter((point) => point === path || point.startsWith(`${path}/`))
    .toReversed()

export const isMounted = (path: string): boolean => mountsBelow(path).includes(path)

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

/** Unmount everything at and below a path. A mount that is still in use goes as soon as it is not. */
export const unmountBelow = Effect.fnUntraced(function* (path: string): Effect.fn.Return<void, ToolMissing, Tools> {
  const points = mountsBelow(path)
  if (points.length === 0) return
  const umount = yield* (yield* Tools).path("umount")
  yield* run(umount, ["-l", ...points])
})

/** `mountinfo` writes blanks, tabs, newlines and backslashes as octal escapes (proc(5)). */
const unescapeMount = (text: string) =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
