/** Mounts of a SpecGenerator, for Podman's service (podman `pkg/specgen/{specgen,volumes}.go`); ours is asked in its own words. */
import { type CreateOptions, type MountInvalid, requestedMounts } from "@cryopod/entities"
import * as Result from "effect/Result"

type Mounting = Pick<CreateOptions, "volume" | "mount" | "tmpfs" | "imageVolume" | "volumesFrom">

/** Options are as they were given: that service completes them, and knows whether there is what they name. */
export const mountSpecOf = ({
  volumesFrom,
  ...flags
}: Mounting): Result.Result<Readonly<Record<string, unknown>>, MountInvalid> =>
  Result.map(requestedMounts({ flags, inherited: [], imageVolumes: [] }), (requested) => ({
    mounts: requested.flatMap((mount) => {
      if (mount.type === "volume") return []
      const { destination, options, type } = mount
      return [{ type, source: mount.type === "bind" ? mount.source : type, destination, options }]
    }),
    // one without a name is made for the container
    volumes: requested.flatMap((mount) => {
      if (mount.type !== "volume") return []
      const { anonymous, destination, name, options, subPath = "" } = mount
      return [{ Name: name, Dest: destination, Options: options, IsAnonymous: anonymous, SubPath: subPath }]
    }),
    volumes_from: volumesFrom,
  }))
