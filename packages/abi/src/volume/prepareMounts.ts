/**
 * Make ready what a container mounts, before it starts: bind mounts have their sources, volumes their file systems, and
 * a new volume what the image has in its place.
 *
 * Whoever prepares a volume holds its lock. The container's root filesystem is mounted and nobody runs in it.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { BindSourceMissing, type ContainerMount, type HostFailure, type VolumeFailure } from "@cryopod/entities"
import { attempt, attemptSync, holdLock, isMounted, Layout, type Tools } from "@cryopod/host"
import { type ContainerRecord, hasOwnFilesystem, mountVolume, Volumes } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { readSpec } from "../container/bundle.ts"
import { fillVolume } from "./fillVolume.ts"

type Services = Layout | Volumes | Tools

/** For a start from the beginning. */
export const prepareMounts = Effect.fn("Volume.prepareMounts")(function* (
  record: ContainerRecord,
): Effect.fn.Return<void, VolumeFailure | BindSourceMissing | HostFailure, Services> {
  yield* attachVolumes(record)
  const paths = (yield* Layout).container(record.id)
  const { user } = (yield* readSpec(paths)).process
  for (const mount of record.config.mounts) {
    if (mount.type === "volume") yield* fillVolume({ mount, owner: user, rootfs: paths.merged })
    const source = mount.options.includes("U") ? yield* sourceOf(mount) : undefined
    if (source !== undefined) yield* changeOwner(source, user)
  }
})

/** The sources of bind mounts are there, and the file systems of volumes are mounted; nothing in them is changed. */
export const attachVolumes = Effect.fn("Volume.attach")(function* (
  record: ContainerRecord,
): Effect.fn.Return<void, VolumeFailure | BindSourceMissing, Services> {
  for (const mount of record.config.mounts) {
    if (mount.type === "volume") yield* attachVolume(mount.name)
    if (mount.type === "bind" && !fs.existsSync(mount.source))
      return yield* new BindSourceMissing({ source: mount.source })
  }
})

const attachVolume = Effect.fnUntraced(function* (name: string) {
  const { data, lock } = (yield* Layout).volume(name)
  yield* Effect.scoped(
    Effect.gen(function* () {
      yield* holdLock(lock)
      const { config } = yield* (yield* Volumes).get(name)
      if (hasOwnFilesystem(config) && !isMounted(data)) yield* mountVolume(config, data)
    }),
  )
})

const sourceOf = Effect.fnUntraced(function* (mount: ContainerMount) {
  if (mount.type === "volume") return (yield* Layout).volume(mount.name).data
  return mount.type === "bind" ? mount.source : undefined
})

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Give everything below a path to somebody, links themselves and not what they lead to. */
const changeOwner = Effect.fnUntraced(function* (path: string, { gid, uid }: Owner) {
  const stat = yield* attemptSync("look at", path, () => fs.lstatSync(path))
  yield* attempt("change the owner of", path, async (signal) => {
    if (stat.isDirectory()) {
      for await (const entry of await fs.promises.opendir(path, { recursive: true })) {
        signal.throwIfAborted()
        await fs.promises.lchown(join(entry.parentPath, entry.name), uid, gid)
      }
    }
    await fs.promises.lchown(path, uid, gid)
  })
})
