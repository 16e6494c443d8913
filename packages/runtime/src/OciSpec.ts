/**
 * The runtime configuration of a container (OCI runtime-spec 1.0 `config.json`), as Podman would write it.
 *
 * Podman restores checkpoints of ours and we restore Podman's; CRIU wants the same mount points on both sides, so the
 * bind mounts below are Podman's, by destination.
 */
import { join } from "node:path"
import type { Identity, Rlimit } from "@cryopod/entities"
import type { ContainerPaths } from "@cryopod/host"
import { capabilitySets } from "./Capabilities.ts"
import type { ContainerConfig } from "./ContainerRecord.ts"
import { isOwnNamespace, type SpecNamespace, specNamespaces } from "./Namespaces.ts"
import { criuConfigAnnotation } from "./runtimeArguments.ts"
import { mergedMounts, readOnlyMounts, rootPropagation, specMountOf, type VolumeData } from "./SpecMounts.ts"

export interface SpecMount {
  readonly destination: string
  readonly type: string
  readonly source: string
  readonly options: ReadonlyArray<string>
}

export interface OciProcess {
  readonly terminal?: boolean
  readonly user: {
    readonly uid: number
    readonly gid: number
    readonly additionalGids?: ReadonlyArray<number>
    readonly umask?: number
  }
  readonly args: ReadonlyArray<string>
  readonly env?: ReadonlyArray<string>
  readonly cwd: string
  readonly capabilities?: OciCapabilities
  readonly rlimits?: ReadonlyArray<Rlimit>
  readonly [key: string]: unknown
}

/** Sets of capabilities(7), by name. */
export type OciCapabilities = Readonly<
  Partial<Record<"bounding" | "effective" | "permitted" | "inheritable" | "ambient", ReadonlyArray<string>>>
>

/** The parts of `config.json` that this project reads or changes; the rest passes through untouched. */
export interface OciSpec {
  readonly ociVersion: string
  readonly process: OciProcess
  readonly root: { readonly path: string; readonly readonly?: boolean }
  readonly hostname?: string
  readonly mounts: ReadonlyArray<SpecMount>
  readonly annotations?: Readonly<Record<string, string>>
  readonly hooks?: unknown
  readonly linux: {
    readonly namespaces: ReadonlyArray<SpecNamespace>
    readonly cgroupsPath?: string
    readonly [key: string]: unknown
  }
  readonly [key: string]: unknown
}

export const ociVersion = "1.0.2"

/** Cgroups of containers lie here, in every hierarchy. */
export const cgroupsPath = (id: string): string => `/cryopod/${id}`

export interface SpecInputs {
  readonly config: ContainerConfig
  readonly paths: ContainerPaths
  readonly volumeData: VolumeData
  /** Hard limits of this process: no more can be asked for without CAP_SYS_RESOURCE. */
  readonly ceilings: Readonly<Record<string, number>>
  /** Capabilities that this process can give away. */
  readonly held: ReadonlySet<string>
  /** True for directories of this host. */
  readonly isDirectory: (path: string) => boolean
}

/** Who runs in the container is found out when it starts (`withIdentity`); until then it is root. */
export const makeSpec = ({ ceilings, config, held, isDirectory, paths, volumeData }: SpecInputs): OciSpec => {
  const masks = config.runtime === "crun" ? crunMasks(isDirectory) : { paths: maskedPaths, mounts: [] }
  const standard = [...mountsOf(config, paths), ...(config.privileged ? [] : masks.mounts)]
  const own = config.mounts.map((mount) => specMountOf(mount, volumeData))
  const propagation = rootPropagation(own)
  return {
    ociVersion,
    process: {
      terminal: config.terminal,
      user: { uid: 0, gid: 0, umask: 0o22 },
      args: [...config.entrypoint, ...config.command],
      env: config.env,
      cwd: config.workdir,
      capabilities: capabilitySets(config, { uid: 0 }, held),
      rlimits: config.rlimits.map((limit) => clamp(limit, ceilings)),
      noNewPrivileges: false,
      oomScoreAdj: 0,
    },
    root: { path: paths.merged, readonly: config.readOnly },
    ...(isOwnNamespace(config, "uts") ? { hostname: config.hostname } : {}),
    mounts: mergedMounts(readOnlyMounts(standard, config), own),
    annotations: {
      "io.container.manager": "libpod",
      ...podAnnotations(config),
      ...(config.autoRemove ? { "io.podman.annotations.autoremove": "TRUE" } : {}),
      ...config.annotations,
      [criuConfigAnnotation]: paths.criuConfig,
    },
    linux: {
      cgroupsPath: cgroupsPath(config.id),
      namespaces: specNamespaces(config),
      ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
      resources: { devices: [{ allow: config.privileged, access: "rwm" }] },
      ...(isOwnNamespace(config, "net") ? { sysctl: { "net.ipv4.ping_group_range": "0 0" } } : {}),
      ...(config.privileged ? {} : { maskedPaths: masks.paths, readonlyPaths }),
    },
  }
}

/**
 * The same for who runs in it, with the capabilities that such a user has, and a HOME unless the container was given one.
 * Capabilities of a user that is the one there was stay as they are: a stranger's container may have others.
 */
export const withIdentity = (
  spec: OciSpec,
  { config, held, identity }: Pick<SpecInputs, "config" | "held"> & { readonly identity: Identity },
): OciSpec => {
  const { env = [], user } = spec.process
  const given = config.env.some(isHome)
  return {
    ...spec,
    process: {
      ...spec.process,
      user: { ...user, uid: identity.uid, gid: identity.gid, additionalGids: identity.groups },
      ...(user.uid === identity.uid ? {} : { capabilities: capabilitySets(config, identity, held) }),
      env: given ? env : [...env.filter((variable) => !isHome(variable)), `HOME=${identity.home}`],
    },
  }
}

const isHome = (variable: string) => variable.startsWith("HOME=")

/** By these libpod finds the pod of a checkpoint's container (Podman `pkg/annotations`). */
export const podAnnotations = ({
  infra,
  pod,
}: Pick<ContainerConfig, "pod" | "infra">): Readonly<Record<string, string>> =>
  pod === undefined
    ? {}
    : {
        "io.kubernetes.cri-o.SandboxID": pod,
        "io.kubernetes.cri-o.ContainerType": infra === true ? "sandbox" : "container",
      }

const clamp = (limit: Rlimit, ceilings: Readonly<Record<string, number>>): Rlimit => {
  const ceiling = ceilings[limit.type] ?? Number.POSITIVE_INFINITY
  return { type: limit.type, soft: Math.min(limit.soft, ceiling), hard: Math.min(limit.hard, ceiling) }
}

/** Files that the engine makes and shows to the container under these names. */
const engineFiles: Readonly<Record<string, (paths: ContainerPaths) => string>> = {
  "/etc/hosts": ({ hosts }) => hosts,
  "/etc/hostname": ({ userdata }) => join(userdata, "hostname"),
  "/etc/resolv.conf": ({ resolvConf }) => resolvConf,
  "/run/.containerenv": ({ userdata }) => join(userdata, ".containerenv"),
}

/** A container without a network has no resolver to be told about; Podman gives it no such file either. */
const engineDestinations = ({ names, network }: ContainerConfig) =>
  Object.keys(engineFiles).filter(
    (destination) =>
      !(destination === "/etc/resolv.conf" && (network === "none" || names?.unmanaged === true)) &&
      !(destination === "/etc/hosts" && names?.noHosts === true),
  )

/** True for destinations that the engine itself mounts something on. */
export const isEngineDestination = (destination: string): boolean =>
  destination === "/dev/shm" || destination in engineFiles

/** Where the engine keeps what is bound to a destination, for destinations that are the engine's own. */
export const engineMountSource = (paths: ContainerPaths, destination: string): string | undefined =>
  destination === "/dev/shm" ? paths.shm : engineFiles[destination]?.(paths)

/**
 * Cgroups are neither mounted nor namespaced: CRIU finds the mounts of one layout on a host with that layout only, and the
 * root of a namespace only where a cgroup of the same name exists. Without them a checkpoint thaws on any.
 */
const mountsOf = (config: ContainerConfig, paths: ContainerPaths): ReadonlyArray<SpecMount> => [
  { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
  },
  { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
  {
    destination: "/sys",
    type: "sysfs",
    source: "sysfs",
    options: ["nosuid", "noexec", "nodev", config.privileged ? "rw" : "ro"],
  },
  ...engineDestinations(config).map((destination) => bind(paths, destination, ["bind", "rprivate"])),
  bind(paths, "/dev/shm", ["bind", "rprivate", "nosuid", "noexec", "nodev"]),
]

const bind = (paths: ContainerPaths, destination: string, options: ReadonlyArray<string>): SpecMount => ({
  destination,
  type: "bind",
  source: engineMountSource(paths, destination) ?? "",
  options,
})

/** Files of /proc and /sys that tell about, or change, the host rather than the container. */
const maskedPaths = [
  "/proc/acpi",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/dev/block",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
  "/sys/fs/selinux",
]

/**
 * crun 1.2x hides directories behind a bind mount of its own, whose name in a dump depends on crun's version and on where
 * it keeps its state; an empty file system of the container's own thaws anywhere. runc does that by itself, and would
 * refuse such mounts below /proc.
 */
const crunMasks = (isDirectory: (path: string) => boolean) => ({
  paths: maskedPaths.filter((path) => !isDirectory(path)),
  mounts: maskedPaths.filter(isDirectory).map((destination): SpecMount => ({
    destination,
    type: "tmpfs",
    source: "tmpfs",
    options: ["ro", "nosuid", "nodev", "noexec", "size=0k"],
  })),
})

const readonlyPaths = ["/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
