/**
 * A container's own mounts in its runtime configuration, and the place they take among those that every container has.
 *
 * What the engine does itself when the container starts (copying, changing owners) is no word of a runtime's.
 */
import { type ContainerMount, propagationOf } from "@cryopod/entities"
import type { ContainerConfig } from "./ContainerRecord.ts"
import type { SpecMount } from "./OciSpec.ts"

/** Where the content of a volume lies, by the volume's name. */
export type VolumeData = (name: string) => string

/** Options that the engine honours, or that mean nothing on a host without SELinux. */
const engineOptions = new Set(["U", "z", "Z", "copy", "nocopy"])

const forRuntime = (options: ReadonlyArray<string>) =>
  options.filter((option) => !engineOptions.has(option) && !option.startsWith("volume-opt="))

export const specMountOf = (mount: ContainerMount, volumeData: VolumeData): SpecMount => {
  const { destination } = mount
  const options = forRuntime(mount.options)
  switch (mount.type) {
    case "bind":
      return { destination, type: "bind", source: mount.source, options }
    case "volume":
      return { destination, type: "bind", source: volumeData(mount.name), options }
    case "tmpfs":
      return { destination, type: "tmpfs", source: "tmpfs", options }
  }
}

/** Both runtimes go by the options, whatever the type says (runc `libcontainer/specconv`, crun `linux.c`). */
export const isBindMount = ({ options, type }: SpecMount): boolean =>
  type === "bind" || options.includes("bind") || options.includes("rbind")

/**
 * All mounts, those nearer to the root first, so that none hides another: a mount of the container's own takes the place
 * of one that every container has.
 */
export const mergedMounts = (
  standard: ReadonlyArray<SpecMount>,
  own: ReadonlyArray<SpecMount>,
): ReadonlyArray<SpecMount> => {
  const taken = new Set(own.map(({ destination }) => destination))
  return [...standard.filter(({ destination }) => !taken.has(destination)), ...own].toSorted(
    (a, b) => depth(a.destination) - depth(b.destination),
  )
}

const depth = (path: string) => path.split("/").filter((part) => part !== "").length

/** Directories that stay writable in a read-only container. */
const writable = ["/tmp", "/run", "/var/tmp"]

/**
 * The mounts of every container in the form that a read-only one has them: what shows files of the engine is read-only
 * too; places for temporary files are in memory, or everything is read-only when those are not wanted.
 */
export const readOnlyMounts = (
  standard: ReadonlyArray<SpecMount>,
  config: Pick<ContainerConfig, "readOnly" | "readOnlyTmpfs">,
): ReadonlyArray<SpecMount> => {
  if (!config.readOnly) return standard
  const restricted = standard.map((mount) => {
    if (mount.destination === "/dev/shm" || mount.destination === "/dev")
      return config.readOnlyTmpfs ? mount : { ...mount, options: [...mount.options, "ro"] }
    return isBindMount(mount) ? { ...mount, options: [...mount.options, "ro", "nosuid", "noexec", "nodev"] } : mount
  })
  const memory = config.readOnlyTmpfs
    ? writable.map((destination): SpecMount => ({
        destination,
        type: "tmpfs",
        source: "tmpfs",
        options: ["rw", "rprivate", "nosuid", "nodev", "tmpcopyup"],
      }))
    : []
  return [...restricted, ...memory]
}

/**
 * How the container's root must be mounted for its mounts to spread as they are to: a shared or slave mount below a
 * private root would be private (libpod `container_internal_common.go`, generateSpec).
 */
export const rootPropagation = (mounts: ReadonlyArray<SpecMount>): "shared" | "rslave" | undefined => {
  const found = mounts.map(({ options }) => propagationOf(options))
  if (found.some((propagation) => propagation.endsWith("shared"))) return "shared"
  return found.some((propagation) => propagation.endsWith("slave")) ? "rslave" : undefined
}
