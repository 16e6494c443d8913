/**
 * The first mount of a volume: what the image has in its place is copied into it while it is empty, and it gets that
 * place's owner and mode (libpod `container_internal.go`, mountNamedVolume and fixVolumePermissions).
 */
import * as fs from "node:fs"
import { join } from "node:path"
import type {
  DatabaseFailed,
  StorageFailed,
  ToolFailed,
  ToolMissing,
  VolumeMount,
  VolumeNotFound,
} from "@cryopod/entities"
import { attempt, attemptSync, holdLock, Layout, resolveInRoot, runOk, Tools } from "@cryopod/host"
import { type VolumeRecord, Volumes } from "@cryopod/runtime"
import * as Effect from "effect/Effect"

export interface FirstMount {
  readonly mount: VolumeMount
  /** The container's user, who owns what the image has no place for. */
  readonly owner: { readonly uid: number; readonly gid: number }
  readonly rootfs: string
}

type Failure = DatabaseFailed | StorageFailed | ToolFailed | ToolMissing | VolumeNotFound

/** Does nothing when the volume has been mounted before. */
export const fillVolume = Effect.fn("Volume.fill")(function* (
  first: FirstMount,
): Effect.fn.Return<void, Failure, Layout | Volumes | Tools> {
  const { lock } = (yield* Layout).volume(first.mount.name)
  yield* Effect.scoped(
    Effect.gen(function* () {
      yield* holdLock(lock)
      const volume = yield* (yield* Volumes).get(first.mount.name)
      if (volume.state.needsCopyUp || volume.state.needsChown) yield* fill(first, volume)
    }),
  )
})

/** The caller holds the volume's lock. */
const fill = Effect.fnUntraced(function* ({ mount, owner, rootfs }: FirstMount, { config, state }: VolumeRecord) {
  const volumes = yield* Volumes
  const { data } = (yield* Layout).volume(config.name)
  const place = resolveInRoot(rootfs, mount.destination)
  const stat = place === undefined ? undefined : fs.lstatSync(place, { throwIfNoEntry: false })
  // whoever began to copy has died: the volume was empty then, and nobody has used it since
  if (state.copyingUp === true) yield* clear(data)
  const wanted = state.needsCopyUp && !mount.options.includes("nocopy") && stat?.isDirectory() === true
  if (wanted && place !== undefined && !(yield* isEmpty(place)) && (yield* isEmpty(data))) {
    yield* volumes.update(config.name, (before) => ({ ...before, copyingUp: true }))
    yield* copyInto(place, data)
    yield* volumes.update(config.name, ({ copyingUp: _, ...before }) => ({ ...before, needsCopyUp: false }))
  }
  if (!state.needsChown) return
  yield* attemptSync("change the owner of", data, () => {
    fs.chownSync(data, stat?.uid ?? owner.uid, stat?.gid ?? owner.gid)
    if (stat?.isDirectory() === true) fs.chmodSync(data, stat.mode & 0o7777)
  })
  yield* volumes.update(config.name, (before) => ({ ...before, needsChown: false }))
})

const isEmpty = (directory: string) => attemptSync("read", directory, () => fs.readdirSync(directory).length === 0)

const clear = (directory: string) =>
  attempt("empty", directory, async () => {
    for (const name of await fs.promises.readdir(directory))
      await fs.promises.rm(join(directory, name), { recursive: true, force: true })
  })

/** Everything with owners, modes, times, links and attributes; the directory itself keeps its own. */
const copyInto = Effect.fnUntraced(function* (from: string, to: string) {
  const tools = yield* Tools
  const { gid, mode, uid } = yield* attemptSync("look at", to, () => fs.statSync(to))
  yield* runOk(yield* tools.path("cp"), ["--archive", "--reflink=auto", `${from}/.`, to], { env: tools.environment })
  yield* attemptSync("change the owner of", to, () => {
    fs.chownSync(to, uid, gid)
    fs.chmodSync(to, mode & 0o7777)
  })
})
