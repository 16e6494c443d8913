/**
 * A container of ours in libpod's words: the boundary between `ContainerConfig` and `config.dump`, and between the
 * bundle's `config.json` and `spec.dump`.
 */
import type { LibpodConfig, LibpodVolume } from "@cryopod/checkpoint"
import {
  type ContainerMount,
  exposedProtocols,
  healthConfigOf,
  type NamespaceKind,
  noRestart,
  type VolumeMount,
} from "@cryopod/entities"
import {
  type ContainerConfig,
  type ContainerRecord,
  criuConfigAnnotation,
  hasPlacedNetwork,
  joinedContainer,
  type OciSpec,
  type SpecMount,
  type VolumeConfig,
} from "@cryopod/runtime"
import { withInterfaceNames } from "../network/places.ts"

/**
 * The runtime configuration without what means something on this host only. Podman mounts volumes from where the
 * configuration says they are, so it says where they are on a host of Podman's.
 */
export const portableSpec = (spec: OciSpec, own: ReadonlyArray<ContainerMount>): OciSpec => {
  const { hooks: __, ...portable } = spec
  const { [criuConfigAnnotation]: _, ...annotations } = spec.annotations ?? {}
  const namespaces = spec.linux.namespaces.map(({ type }) => ({ type }))
  const mounts = spec.mounts.map((mount) => {
    const volume = own.find(({ destination, type }) => type === "volume" && destination === mount.destination)
    return volume?.type === "volume" ? { ...mount, source: podmanVolumeData(volume.name) } : mount
  })
  return { ...portable, annotations, mounts, linux: { ...spec.linux, namespaces } }
}

/** Podman's own default (containers-common `storage.conf`, graphroot). */
const podmanVolumeData = (name: string) => `/var/lib/containers/storage/volumes/${name}/_data`

export interface Described {
  /** The portable one. */
  readonly spec: OciSpec
  /** Every volume that the container mounts. */
  readonly volumes: ReadonlyArray<VolumeConfig>
  /** Digest of its image's manifest, for whoever has to find that elsewhere. */
  readonly imageDigest?: string
}

/** The fields that Podman 5.4 needs, and those without which a container restored by it would be poorer. */
export const libpodDocument = (
  { config, id, name }: ContainerRecord,
  { imageDigest, spec, volumes }: Described,
): LibpodConfig => ({
  spec: { ...spec, root: { path: "rootfs" }, mounts: spec.mounts.filter(isNoEngineMount(config.mounts)) },
  id,
  name,
  CreateCommand: config.createCommand,
  RawImageName: config.rawImageName,
  idMappingsOptions: {
    HostUIDMapping: true,
    HostGIDMapping: true,
    UIDMap: null,
    GIDMap: null,
    AutoUserNs: false,
    AutoUserNsOpts: {
      Size: 0,
      InitialSize: 0,
      PasswdFile: "",
      GroupFile: "",
      AdditionalUIDMappings: null,
      AdditionalGIDMappings: null,
    },
  },
  Dependencies: null,
  ...membershipFields(config),
  rootfsImageID: config.imageId,
  ...(imageDigest === undefined ? {} : { rootfsImageDigest: imageDigest }),
  // libpod wants an image's id and its name, or neither; an id is a name it can look up
  rootfsImageName: config.imageName === "" ? config.imageId : config.imageName,
  shmSize: config.shmSizeBytes,
  namedVolumes: config.mounts.flatMap((mount) => (mount.type === "volume" ? [namedVolume(mount, volumes)] : [])),
  userVolumes: config.mounts.map(({ destination }) => destination),
  ...connectionFields(config),
  command: config.command,
  entrypoint: config.entrypoint,
  labels: config.labels,
  user: config.user,
  stdin: config.openStdin,
  stopSignal: config.stopSignal,
  stopTimeout: config.stopTimeoutSeconds,
  ...restartFields(config),
  ...(config.health === undefined ? {} : { healthcheck: healthConfigOf(config.health) }),
  createdTime: config.createdAt,
  cgroupsMode: "enabled",
  logDriver: "k8s-file",
  runtime: config.runtime,
  privileged: config.privileged,
  passwd: true,
  createWorkingDir: config.workdirRequired !== true,
  sdnotifyMode: "container",
  umask: "0022",
})

const restartFields = ({ restartPolicy = noRestart }: ContainerConfig): Partial<LibpodConfig> =>
  restartPolicy.name === "no"
    ? {}
    : {
        restart_policy: restartPolicy.name,
        ...(restartPolicy.retries > 0 ? { restart_retries: restartPolicy.retries } : {}),
      }

/** Networks, ports and names; the short id, which every container has for an alias, would stay with a clone. */
const connectionFields = (config: ContainerConfig): Partial<LibpodConfig> => {
  const { attachments = [], exposed = [], names, ports = [] } = config
  const networks = withInterfaceNames(attachments).map(({ aliases, interfaceName, ips, mac, network, options }) => ({
    name: network,
    ...(ips.length === 0 ? {} : { static_ips: ips }),
    ...(mac === undefined ? {} : { static_mac: mac }),
    ...(aliases.length === 0 ? {} : { aliases }),
    interface_name: interfaceName,
    ...(options === undefined ? {} : { options }),
  }))
  return {
    createNetNS: hasPlacedNetwork(config),
    ...(networks.length === 0
      ? {}
      : {
          newNetworks: Object.fromEntries(networks.map(({ name, ...options }) => [name, options])),
          orderedNetworks: networks,
          networkMode: "bridge",
        }),
    ...(ports.length === 0 ? {} : { newPortMappings: ports }),
    ...(exposed.length === 0 ? {} : { exposedPorts: exposedProtocols(exposed) }),
    ...(names === undefined
      ? {}
      : {
          dnsServer: names.servers,
          dnsSearch: names.searches,
          dnsOption: names.options,
          hostsAdd: names.hosts,
          UseImageHosts: names.noHosts,
          UseImageResolvConf: names.unmanaged,
        }),
  }
}

/** The pod, and the containers that namespaces are shared with. */
const membershipFields = (config: ContainerConfig): Partial<LibpodConfig> => {
  const owner = (kind: NamespaceKind) => joinedContainer(config, kind) ?? ""
  const fields = {
    pod: config.pod ?? "",
    cgroupNsCtr: owner("cgroup"),
    ipcNsCtr: owner("ipc"),
    netNsCtr: owner("net"),
    pidNsCtr: owner("pid"),
    utsNsCtr: owner("uts"),
  }
  return Object.fromEntries(Object.entries(fields).filter(([, id]) => id !== ""))
}

/** Volumes and files of the engine are no part of libpod's own copy: it adds them whenever it starts the container. */
const isNoEngineMount =
  (own: ReadonlyArray<ContainerMount>) =>
  ({ destination, type }: SpecMount): boolean =>
    type !== "bind" || own.some((mount) => mount.type === "bind" && mount.destination === destination)

const namedVolume = (
  { anonymous, destination, name, options }: VolumeMount,
  volumes: ReadonlyArray<VolumeConfig>,
): LibpodVolume => {
  const config = volumes.find((volume) => volume.name === name)
  return {
    volumeName: name,
    dest: destination,
    options,
    ...(anonymous ? { setAnonymous: true } : {}),
    ...(config === undefined ? {} : { driverOptions: config.options, labels: config.labels }),
  }
}
