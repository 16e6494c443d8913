/** All mounts that a container asks for: by flags, by its image, from other containers. */
import * as Result from "effect/Result"
import { MountInvalid } from "../failures/MountFailures.ts"
import type { CreateFlags } from "../options/CreateOptions.ts"
import { type ContainerMount, imageVolumeOptions } from "./ContainerMount.ts"
import { parseMountFlag } from "./MountFlag.ts"
import { containerPath, parseTmpfsFlag, parseVolumeFlag } from "./VolumeFlag.ts"

export interface MountSources {
  readonly flags: Pick<CreateFlags, "volume" | "mount" | "tmpfs" | "imageVolume">
  /** Mounts of the containers of `--volumes-from`, in their order. */
  readonly inherited: ReadonlyArray<ContainerMount>
  /** Paths that the image declares as volumes. */
  readonly imageVolumes: ReadonlyArray<string>
}

/**
 * Two flags for one destination are refused; a flag wins over another container's mount, which wins over the image's.
 * Options are as they were given.
 */
export const requestedMounts = ({
  flags,
  imageVolumes,
  inherited,
}: MountSources): Result.Result<ReadonlyArray<ContainerMount>, MountInvalid> => {
  const asked: Array<ContainerMount> = []
  for (const parsed of [
    ...flags.mount.map(parseMountFlag),
    // one that is given twice in the same words is one
    ...[...new Set(flags.volume)].map(parseVolumeFlag),
    ...flags.tmpfs.map(parseTmpfsFlag),
  ]) {
    if (Result.isFailure(parsed)) return Result.fail(parsed.failure)
    const { destination } = parsed.success
    if (asked.some((mount) => mount.destination === destination))
      return Result.fail(new MountInvalid({ problem: "destinationTwice", value: destination }))
    asked.push(parsed.success)
  }
  const declared = declaredMounts(flags.imageVolume, imageVolumes)
  return Result.map(declared, (image) => merged(asked, inherited, image))
}

/** What an image declares, in the way that was asked for. */
const declaredMounts = (
  mode: string,
  paths: ReadonlyArray<string>,
): Result.Result<ReadonlyArray<ContainerMount>, MountInvalid> => {
  if (!["anonymous", "bind", "tmpfs", "ignore"].includes(mode))
    return Result.fail(new MountInvalid({ problem: "imageVolume", value: mode }))
  if (mode === "ignore") return Result.succeed([])
  const destinations = paths.flatMap((path) => {
    const tidy = containerPath(path)
    return Result.isSuccess(tidy) ? [tidy.success] : []
  })
  return Result.succeed(
    destinations.map((destination): ContainerMount =>
      mode === "tmpfs"
        ? { type: "tmpfs", destination, options: ["rprivate", "rw", "nodev", "exec"] }
        : { type: "volume", name: "", anonymous: true, destination, options: imageVolumeOptions },
    ),
  )
}

/** The first of several mounts with one destination. */
const merged = (...lists: ReadonlyArray<ReadonlyArray<ContainerMount>>): ReadonlyArray<ContainerMount> => {
  const mounts = new Map<string, ContainerMount>()
  for (const mount of lists.flat()) if (!mounts.has(mount.destination)) mounts.set(mount.destination, mount)
  return [...mounts.values()]
}
