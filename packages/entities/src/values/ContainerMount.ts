/**
 * What a container mounts besides what every container has: directories and files of the host, volumes, file systems
 * in memory.
 */

/** A directory or file of the engine's host. */
export interface BindMount {
  readonly type: "bind"
  readonly source: string
  readonly destination: string
  readonly options: ReadonlyArray<string>
}

/** Content that has a name and outlives containers. */
export interface VolumeMount {
  readonly type: "volume"
  /** Empty as long as nobody has named it. */
  readonly name: string
  /** Nobody named it, or it has the name that the engine gave it. */
  readonly anonymous: boolean
  readonly destination: string
  readonly options: ReadonlyArray<string>
  /** Directory within the volume that is mounted in place of all of it. */
  readonly subPath?: string
}

/** A file system in memory, empty whenever the container starts. */
export interface TmpfsMount {
  readonly type: "tmpfs"
  readonly destination: string
  readonly options: ReadonlyArray<string>
}

export type ContainerMount = BindMount | VolumeMount | TmpfsMount

/** What a checkpoint does not take along, since it is the host's; one sentence each. */
export const stayingMounts = (mounts: ReadonlyArray<ContainerMount>): ReadonlyArray<string> =>
  mounts.flatMap((mount) =>
    mount.type === "bind"
      ? [`bind mount of ${mount.source} on ${mount.destination} is not part of the checkpoint: its files stay here`]
      : [],
  )

const propagations = new Set([
  "private",
  "rprivate",
  "shared",
  "rshared",
  "slave",
  "rslave",
  "unbindable",
  "runbindable",
])

export const isPropagation = (option: string): boolean => propagations.has(option)

/** How changes of the mount spread (mount(2)); empty when the options do not say. */
export const propagationOf = (options: ReadonlyArray<string>): string => options.find(isPropagation) ?? ""

export const isReadOnlyMount = (options: ReadonlyArray<string>): boolean => options.includes("ro")

/** Flags that the file system of a bind mount's source has, and that its mount must not lose. */
export interface InheritedFlags {
  readonly noexec: boolean
  readonly nosuid: boolean
  readonly nodev: boolean
}

/** What libpod takes for a source that it does not look at: a volume, memory. */
export const engineFlags: InheritedFlags = { noexec: false, nosuid: true, nodev: true }

/** Options in full: what was left open is filled in as libpod does it (Podman 5.4 `pkg/util/mount_opts.go`). */
export const completeMountOptions = (
  type: ContainerMount["type"],
  given: ReadonlyArray<string>,
  inherited: InheritedFlags = engineFlags,
): ReadonlyArray<string> => {
  const has = (...options: ReadonlyArray<string>) => options.some((option) => given.includes(option))
  const options = given.filter((option) => option !== "notmpcopyup")
  const recursive = !has("bind")
  return [
    ...options,
    ...(has("rw", "ro") ? [] : ["rw"]),
    ...(given.some(isPropagation) ? [] : [recursive ? "rprivate" : "private"]),
    ...(has("exec", "noexec") || !inherited.noexec ? [] : ["noexec"]),
    ...(has("suid", "nosuid") || !inherited.nosuid ? [] : ["nosuid"]),
    ...(has("dev", "nodev") || !inherited.nodev ? [] : ["nodev"]),
    ...(type !== "tmpfs" || has("tmpcopyup", "notmpcopyup") ? [] : ["tmpcopyup"]),
    ...(type === "tmpfs" || has("bind", "rbind") ? [] : ["rbind"]),
  ]
}

/** Volumes that an image declares have these (Podman 5.4 `pkg/specgen/generate/storage.go`). */
export const imageVolumeOptions: ReadonlyArray<string> = ["rprivate", "rw", "nodev", "exec", "nosuid", "rbind"]
