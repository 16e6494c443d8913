/** A container's mounts as libpod's `inspect` shows them (Podman 5.4 `libpod/container_inspect.go`). Pure. */
import type { MountReport } from "../reports/ContainerReports.ts"
import { type ContainerMount, isPropagation, isReadOnlyMount, propagationOf } from "./ContainerMount.ts"

type Kept = Exclude<ContainerMount, { readonly type: "tmpfs" }>

/** Volumes before directories of the host; what is in memory is shown elsewhere. */
const keptMounts = (mounts: ReadonlyArray<ContainerMount>): ReadonlyArray<Kept> => {
  const kept = mounts.filter((mount) => mount.type !== "tmpfs")
  return [...kept.filter(({ type }) => type === "volume"), ...kept.filter(({ type }) => type === "bind")]
}

export const mountReports = (
  mounts: ReadonlyArray<ContainerMount>,
  /** Where the content of a volume lies, by the volume's name. */
  volumeData: (name: string) => string,
): ReadonlyArray<MountReport> =>
  keptMounts(mounts).map((mount) => {
    const { destination, options, type } = mount
    return {
      Type: type,
      ...(type === "volume" ? { Name: mount.name } : {}),
      Source: type === "volume" ? volumeData(mount.name) : mount.source,
      Destination: destination,
      Driver: type === "volume" ? "local" : "",
      Mode: options.find(isLabel) ?? "",
      Options: options.filter(
        (option) => option !== "rw" && option !== "ro" && !isLabel(option) && !isPropagation(option),
      ),
      RW: !isReadOnlyMount(options),
      Propagation: propagationOf(options),
    }
  })

const isLabel = (option: string) => option === "z" || option === "Z"

export const bindTexts = (mounts: ReadonlyArray<ContainerMount>): ReadonlyArray<string> =>
  keptMounts(mounts).map((mount) => {
    const source = mount.type === "volume" ? mount.name : mount.source
    return `${source}:${mount.destination}:${mount.options.join(",")}`
  })

export const tmpfsTexts = (mounts: ReadonlyArray<ContainerMount>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    mounts.flatMap(({ destination, options, type }) => (type === "tmpfs" ? [[destination, options.join(",")]] : [])),
  )
