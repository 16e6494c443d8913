/** From the mounts that a new container asks for to mounts in full: named, with every option, looked for on this host. */
import * as fs from "node:fs"
import {
  BindSourceMissing,
  completeMountOptions,
  type ContainerAmbiguous,
  type ContainerMount,
  type CreateOptions,
  type DatabaseFailed,
  MountInvalid,
  requestedMounts,
  VolumeNameInvalid,
  VolumesOwnerMissing,
} from "@cryopod/entities"
import { mountFlagsAt } from "@cryopod/host"
import { Containers, isVolumeName } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { newVolumeName } from "./createVolume.ts"

type Failure =
  | MountInvalid
  | BindSourceMissing
  | VolumeNameInvalid
  | ContainerAmbiguous
  | VolumesOwnerMissing
  | DatabaseFailed

export const resolveMounts = Effect.fn("Volume.resolveMounts")(function* (
  options: Pick<CreateOptions, "volume" | "mount" | "tmpfs" | "imageVolume" | "volumesFrom">,
  imageVolumes: ReadonlyArray<string>,
): Effect.fn.Return<ReadonlyArray<ContainerMount>, Failure, Containers> {
  const inherited = (yield* Effect.forEach(options.volumesFrom, mountsOfOther)).flat()
  const requested = yield* Effect.fromResult(requestedMounts({ flags: options, inherited, imageVolumes }))
  return yield* Effect.forEach(requested, resolved)
})

const resolved = Effect.fnUntraced(function* (
  mount: ContainerMount,
): Effect.fn.Return<ContainerMount, BindSourceMissing | VolumeNameInvalid> {
  switch (mount.type) {
    case "bind": {
      if (!fs.existsSync(mount.source)) return yield* new BindSourceMissing({ source: mount.source })
      const flags = mountFlagsAt(mount.source)
      const inherited = { noexec: flags.has("noexec"), nosuid: flags.has("nosuid"), nodev: flags.has("nodev") }
      return { ...mount, options: completeMountOptions("bind", mount.options, inherited) }
    }
    case "volume": {
      const name = mount.name === "" ? newVolumeName() : mount.name
      if (!isVolumeName(name)) return yield* new VolumeNameInvalid({ name, operation: "mount" })
      return { ...mount, name, options: completeMountOptions("volume", mount.options) }
    }
    case "tmpfs":
      return { ...mount, options: completeMountOptions("tmpfs", mount.options) }
  }
})

/** `CONTAINER[:ro|rw|z]`: its volumes and bind mounts, with the option in place of their own. */
const mountsOfOther = Effect.fnUntraced(function* (text: string) {
  const colon = text.indexOf(":")
  const words = colon < 0 ? [] : text.slice(colon + 1).split(",")
  const unknown = words.find((word) => !["ro", "rw", "z"].includes(word))
  if (unknown !== undefined) return yield* new MountInvalid({ problem: "fromOption", value: unknown })
  const ref = colon < 0 ? text : text.slice(0, colon)
  const { config } = yield* (yield* Containers)
    .find(ref)
    .pipe(Effect.catchTag("ContainerNotFound", () => Effect.fail(new VolumesOwnerMissing({ ref }))))
  return config.mounts
    .filter((mount) => mount.type !== "tmpfs")
    .map((mount) => ({ ...mount, options: withAccess(mount.options, words) }))
})

const withAccess = (options: ReadonlyArray<string>, words: ReadonlyArray<string>) =>
  words.includes("ro") || words.includes("rw")
    ? [...options.filter((option) => option !== "ro" && option !== "rw"), ...words]
    : [...options, ...words]
