/**
 * A stranger's runtime configuration made ours. Pure.
 *
 * Root, cgroups and the sources of the engine's own mounts become those of our bundle. What would reach into this host
 * is dropped, and told: files and file systems of the host, namespaces of others, hooks, annotations that runtimes act
 * upon. A mount that is dropped keeps its place, with nothing of the host behind it: CRIU does not restore a container
 * that lacks one of its mount points.
 */
import { namespaceKinds } from "@cryopod/entities"
import type { ContainerPaths } from "@cryopod/host"
import {
  type ContainerConfig,
  criuConfigAnnotation,
  engineMountSource,
  isOwnNamespace,
  joinedContainer,
  type OciSpec,
  podAnnotations,
  type SpecMount,
  type VolumeData,
} from "@cryopod/runtime"

export interface ImportInputs {
  /** Path of the container's own cgroup. */
  readonly cgroups: string
  readonly config: ContainerConfig
  readonly paths: ContainerPaths
  readonly volumeData: VolumeData
}

export interface ImportedSpec {
  readonly spec: OciSpec
  /** Mounts in whose place something empty must lie. */
  readonly standIns: ReadonlyArray<StandIn>
  /** What was dropped, one sentence each. */
  readonly dropped: ReadonlyArray<string>
}

/** Something empty of the container's own in place of what a mount brought. */
export interface StandIn {
  /** Where the container sees it. */
  readonly destination: string
  /** Where it is to be made. */
  readonly path: string
}

export const importedSpec = (spec: OciSpec, inputs: ImportInputs): ImportedSpec => {
  const { config, paths } = inputs
  const { hooks, hostname, ...rest } = spec
  const { dropped, mounts, standIns } = importedMounts(spec.mounts, inputs)
  const { seccomp } = spec.linux as { readonly seccomp?: { readonly listenerPath?: string } | null }
  const { listenerPath, ...filter } = seccomp ?? {}
  return {
    spec: {
      ...rest,
      ...(hostname !== undefined && isOwnNamespace(config, "uts") ? { hostname } : {}),
      process: { ...spec.process, rlimits: config.rlimits },
      root: { ...spec.root, path: paths.merged },
      mounts,
      annotations: {
        "io.container.manager": "libpod",
        ...podAnnotations(config),
        ...(config.autoRemove ? { "io.podman.annotations.autoremove": "TRUE" } : {}),
        ...config.annotations,
        [criuConfigAnnotation]: paths.criuConfig,
      },
      linux: {
        ...spec.linux,
        cgroupsPath: inputs.cgroups,
        namespaces: spec.linux.namespaces.map(({ type }) => ({ type })),
        ...(seccomp === undefined || seccomp === null ? {} : { seccomp: filter }),
      },
    },
    standIns,
    dropped: [
      ...dropped,
      ...hooksOf(hooks).map((name) => `OCI hook ${name}`),
      ...actingAnnotations(spec.annotations ?? {}).map((key) => `annotation ${key}`),
      ...(listenerPath === undefined ? [] : [`seccomp listener ${listenerPath}`]),
      ...spec.linux.namespaces
        // the network is made anew in any case, and those of a pod are replaced by another's
        .filter(({ path, type }) => type !== "network" && (path ?? "") !== "" && !isJoined(config, type))
        .map(({ path, type }) => `${type} namespace ${path}`),
    ],
  }
}

const isJoined = (config: ContainerConfig, type: string): boolean =>
  namespaceKinds.some((kind) => kind === type && joinedContainer(config, kind) !== undefined)

/** Hooks that are there and not empty, by their kind. */
export const hooksOf = (hooks: unknown): ReadonlyArray<string> =>
  Object.entries((hooks as Readonly<Record<string, unknown>> | null | undefined) ?? {})
    .filter(([, list]) => Array.isArray(list) && list.length > 0)
    .map(([name]) => name)

/** File systems of the kernel, of which every container gets its own or a view that its namespaces bound. */
export const kernelFileSystems = new Set(["proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup", "cgroup2"])

const importedMounts = (mounts: ReadonlyArray<SpecMount>, { config, paths, volumeData }: ImportInputs) => {
  const dropped: Array<string> = []
  const standIns: Array<StandIn> = []
  const imported = mounts.map((mount): SpecMount => {
    const engine = engineMountSource(paths, mount.destination)
    const own = config.mounts.find(({ destination }) => destination === mount.destination)
    if (own?.type === "volume") return bound(mount, volumeData(own.name))
    // the caller has named it
    if (own?.type === "bind") return bound(mount, own.source)
    if (isBind(mount) && engine !== undefined) return { ...mount, source: engine }
    if (!isBind(mount) && kernelFileSystems.has(mount.type)) return mount
    const path = `${paths.userdata}/stand-ins/${standIns.length}`
    standIns.push({ destination: mount.destination, path })
    dropped.push(
      isBind(mount)
        ? `bind mount of ${mount.source} on ${mount.destination}`
        : `${mount.type} mount of ${mount.source} on ${mount.destination}`,
    )
    return bound(mount, path)
  })
  return { mounts: imported, standIns, dropped }
}

/** The same mount with something of ours behind it. */
const bound = (mount: SpecMount, source: string): SpecMount => ({
  ...mount,
  type: "bind",
  source,
  options: [...(mount.options ?? []).filter(isHarmless), "rbind"],
})

/** The word may stand in the options alone (runtime-spec `config.md`, "Linux mount options"). */
const isBind = ({ options, type }: SpecMount): boolean =>
  type === "bind" || (options ?? []).some((option) => option === "bind" || option === "rbind")

/** Options that mean the same for whatever is mounted. */
const isHarmless = (option: string): boolean =>
  /^(?:ro|rw|nosuid|nodev|noexec|r?(?:private|slave|shared|unbindable))$/.test(option)

/** Annotations that a runtime acts upon: programs and files of the host, devices (CDI), units of systemd, crun's own. */
const acting = /^(?:org\.criu\.config$|org\.systemd\.property\.|cdi\.k8s\.io\/|run\.oci\.)/

export const actingAnnotations = (annotations: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  Object.keys(annotations).filter((key) => acting.test(key))

/** Annotations that engines write by themselves. */
const engines =
  /^(?:io\.container\.manager$|io\.kubernetes\.cri-o\.(?:SandboxID|ContainerType)$|io\.podman\.annotations\.)/

/** The annotations that are the container's own. */
export const importedAnnotations = (
  annotations: Readonly<Record<string, string>> | null | undefined,
): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => !acting.test(key) && !engines.test(key)))
