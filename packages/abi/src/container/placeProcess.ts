/**
 * Who the main process of a container is and where it begins: found out in its own root filesystem, each time it starts
 * (libpod `container_internal_common.go`, resolveWorkDir and generateSpec).
 */
import * as fs from "node:fs"
import { join, normalize } from "node:path"
import { type Identity, type StorageFailed, type UserUnknown, WorkdirUnfit } from "@cryopod/entities"
import { attemptSync, Layout, resolveInRoot } from "@cryopod/host"
import { type ContainerRecord, heldCapabilities, type OciSpec, withIdentity } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { readSpec, writeSpec } from "./bundle.ts"
import { identityInside } from "./identityInside.ts"

/** The root filesystem is mounted, and nobody runs in it. */
export const placeProcess = Effect.fn("Container.placeProcess")(function* (
  record: ContainerRecord,
): Effect.fn.Return<void, UserUnknown | WorkdirUnfit | StorageFailed, Layout> {
  const { config } = record
  const paths = (yield* Layout).container(record.id)
  const spec = yield* readSpec(paths)
  const identity = yield* identityInside(paths.merged, config.user)
  if (!isMountedOver(spec, config.workdir)) yield* placeWorkdir(record, { rootfs: paths.merged, identity })
  yield* writeSpec(paths, withIdentity(spec, { config, held: heldCapabilities(), identity }))
})

/** What lies on a mount, or above one, is made by the runtime. */
export const isMountedOver = ({ mounts }: Pick<OciSpec, "mounts">, workdir: string): boolean => {
  const path = normalize(join("/", workdir, "/"))
  return mounts.some(({ destination }) => {
    const mounted = normalize(join("/", destination, "/"))
    return path.startsWith(mounted) || mounted.startsWith(path)
  })
}

const placeWorkdir = Effect.fnUntraced(function* (
  { config, id }: ContainerRecord,
  { identity, rootfs }: { readonly rootfs: string; readonly identity: Identity },
) {
  const path = config.workdir
  const place = resolveInRoot(rootfs, path)
  const found = place === undefined ? undefined : fs.statSync(place, { throwIfNoEntry: false })
  if (found?.isDirectory() === true) return
  if (found !== undefined) return yield* new WorkdirUnfit({ id, path, problem: "notDirectory" })
  if (config.workdirRequired === true || place === undefined) {
    return yield* new WorkdirUnfit({ id, path, problem: "missing" })
  }
  yield* attemptSync("make working directory", place, () => {
    fs.mkdirSync(place, { recursive: true, mode: 0o755 })
    fs.chownSync(place, identity.uid, identity.gid)
  })
})
