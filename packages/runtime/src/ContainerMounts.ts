/** What is mounted on the host for a container: its root filesystem and its shared memory. */
import * as fs from "node:fs"
import type { StorageFailed, ToolFailed, ToolMissing } from "@cryopod/entities"
import {
  attemptSync,
  type ContainerPaths,
  type Mount,
  mountAt,
  mountsBelow,
  type Tools,
  unmountBelow,
} from "@cryopod/host"
import * as Effect from "effect/Effect"

/**
 * Mode of a container's root directory, whatever its image says: CRIU refuses a root with another mode than the one it
 * dumped, and Podman gives every container this one.
 */
const rootMode = 0o555

/**
 * Mount the overlay and the shared memory, as far as they are not mounted yet.
 *
 * `redirect_dir` and `metacopy` stay off, so that the upper directory holds whole files and whole directories and
 * nothing but what differs from the image. `index` stays off, so that a container can be mounted again while the kernel is
 * still busy with the end of its last mount (`unmountBelow`).
 */
export const mountContainer = Effect.fnUntraced(function* (
  paths: ContainerPaths,
  options: {
    readonly lower: string
    /** Size of the container's own shared memory; absent when it has another's. */
    readonly shmSizeBytes?: number
  },
): Effect.fn.Return<void, StorageFailed | ToolMissing | ToolFailed, Tools> {
  yield* attemptSync("make directories of", paths.directory, () => {
    const shm = options.shmSizeBytes === undefined ? [] : [paths.shm]
    for (const path of [paths.work, paths.merged, ...shm]) fs.mkdirSync(path, { recursive: true, mode: 0o755 })
    if (fs.existsSync(paths.upper)) return
    fs.mkdirSync(paths.upper)
    fs.chmodSync(paths.upper, rootMode)
  })
  const mounted = new Set(mountsBelow(paths.directory))
  const { lower, shmSizeBytes } = options
  const wanted = [overlay(paths, lower), ...(shmSizeBytes === undefined ? [] : [sharedMemory(paths, shmSizeBytes)])]
  yield* Effect.forEach(
    wanted.filter(({ target }) => !mounted.has(target)),
    mountAt,
    { concurrency: "unbounded", discard: true },
  )
})

const overlay = (paths: ContainerPaths, lower: string): Mount => ({
  type: "overlay",
  target: paths.merged,
  options: [
    `lowerdir=${escaped(lower)}`,
    `upperdir=${escaped(paths.upper)}`,
    `workdir=${escaped(paths.work)}`,
    "redirect_dir=off",
    "metacopy=off",
    "index=off",
  ],
})

const sharedMemory = (paths: ContainerPaths, sizeBytes: number): Mount => ({
  type: "tmpfs",
  target: paths.shm,
  options: ["mode=1777", `size=${sizeBytes}`, "nosuid", "noexec", "nodev"],
})

export const unmountContainer = (paths: ContainerPaths): Effect.Effect<void, ToolMissing, Tools> =>
  unmountBelow(paths.directory)

/** Colons and commas separate directories and options of an overlay. */
const escaped = (path: string) => path.replaceAll(/[\\:,]/g, String.raw`\$&`)
