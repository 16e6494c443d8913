/**
 * `restore --volume SOURCE:DESTINATION`: what is mounted in place of what the checkpoint had at that path.
 *
 * A source that begins with `/` is a directory or file of the engine's host, any other the name of a volume.
 */
import * as Result from "effect/Result"
import { MountInvalid } from "../failures/MountFailures.ts"
import type { BindMount, VolumeMount } from "./ContainerMount.ts"
import { parseVolumeFlag } from "./VolumeFlag.ts"

/** By destination; the options are those that the checkpoint's mount had. */
export type ReplacedMounts = ReadonlyMap<string, BindMount | VolumeMount>

export const replacedMounts = (texts: ReadonlyArray<string>): Result.Result<ReplacedMounts, MountInvalid> => {
  const replaced = new Map<string, BindMount | VolumeMount>()
  for (const text of texts) {
    if (text.split(":").length !== 2) return Result.fail(new MountInvalid({ problem: "replacement", value: text }))
    const parsed = parseVolumeFlag(text)
    if (Result.isFailure(parsed)) return Result.fail(parsed.failure)
    const mount = parsed.success
    if (replaced.has(mount.destination))
      return Result.fail(new MountInvalid({ problem: "destinationTwice", value: mount.destination }))
    if (mount.type !== "tmpfs") replaced.set(mount.destination, mount)
  }
  return Result.succeed(replaced)
}

/** The first destination at which a checkpoint has nothing to replace. */
export const unmatchedReplacement = (
  replaced: ReplacedMounts,
  destinations: ReadonlyArray<string>,
): MountInvalid | undefined => {
  const unmatched = [...replaced.keys()].find((destination) => !destinations.includes(destination))
  return unmatched === undefined ? undefined : new MountInvalid({ problem: "nothingThere", value: unmatched })
}
