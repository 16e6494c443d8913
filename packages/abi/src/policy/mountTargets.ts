/**
 * Mount points of a checkpoint from elsewhere in the root filesystem that they are to lie in, as it is now: with everything
 * that the checkpoint changed. A symbolic link on the way has led runtimes to make the mount somewhere on the host
 * (CVE-2026-119101, CVE-2026-119614).
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { type PolicyDifference, RestoreRefused, type StorageFailed } from "@cryopod/entities"
import { attemptSync } from "@cryopod/host"
import type { SpecMount } from "@cryopod/runtime"
import * as Effect from "effect/Effect"

/** `root` is mounted and nobody changes it. */
export const checkMountTargets = Effect.fn("restore.mountTargets")(function* (
  source: string,
  root: string,
  mounts: ReadonlyArray<Pick<SpecMount, "destination">>,
): Effect.fn.Return<void, RestoreRefused | StorageFailed> {
  const found = yield* attemptSync("look at", root, () =>
    mounts.flatMap(({ destination }) => {
      const link = linkOnTheWay(root, destination)
      return link === undefined ? [] : [linked(destination, link)]
    }),
  )
  if (found.length > 0) yield* new RestoreRefused({ source, differences: found })
})

const linked = (destination: string, link: string): PolicyDifference => ({
  subject: `mount on ${destination}`,
  finding: `${link} is a symbolic link`,
  reason: "runtimes have followed such links to directories of the host",
  remedy: "mount it where the link leads to when the container is made, or have no policy at all",
})

/** The first one, as the container sees it; undefined when there is none. */
const linkOnTheWay = (root: string, destination: string): string | undefined => {
  const parts = destination.split("/").filter((part) => part !== "" && part !== ".")
  const paths = parts.map((_, at) => `/${parts.slice(0, at + 1).join("/")}`)
  return paths.find((path) => fs.lstatSync(join(root, path), { throwIfNoEntry: false })?.isSymbolicLink() === true)
}
