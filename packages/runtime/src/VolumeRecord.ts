/** What the database knows of a volume: a configuration that never changes and a state that does. */

export interface VolumeConfig {
  readonly name: string
  /** RFC 3339 in UTC. */
  readonly createdAt: string
  readonly driver: "local"
  readonly labels: Readonly<Record<string, string>>
  /** As libpod keeps them: `type`, `device` and `o` as given, and what was found in `o` once more in capitals. */
  readonly options: Readonly<Record<string, string>>
  /** Made for a container that named none; it goes with that container where that is wished. */
  readonly anonymous: boolean
}

export interface VolumeState {
  /** It is new and empty: the first container that mounts it fills it with what its image has at that place. */
  readonly needsCopyUp: boolean
  /** It is new: the first container that mounts it gives it the owner and mode of that place. */
  readonly needsChown: boolean
  /** A copy has begun; found by somebody who holds the lock, it means that the content is half of one. */
  readonly copyingUp?: boolean
  /**
   * Id of the container whose creation or restore made the volume, as long as that is not complete: when it fails, the
   * volume goes with it. Taken away before the container's own operation marker is.
   */
  readonly madeFor?: string
}

export interface VolumeRecord {
  readonly config: VolumeConfig
  readonly state: VolumeState
}

export const isVolumeName = (name: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)

/** Options that say something about the content rather than ask for a file system of the volume's own. */
const contentOptions = new Set(["UID", "GID", "SIZE", "INODES", "NOQUOTA"])

/** A volume with a file system of its own, mounted while a container uses it: tmpfs, a device, a directory. */
export const hasOwnFilesystem = ({ options }: VolumeConfig): boolean =>
  Object.keys(options).some((key) => !contentOptions.has(key))
