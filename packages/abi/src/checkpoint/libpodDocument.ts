/**
 * A container of ours in libpod's words: the boundary between `ContainerConfig` and `config.dump`, and between the
 * bundle's `config.json` and `spec.dump`.
 */
import type { LibpodConfig } from "@cryopod/checkpoint"
import type { NamespaceKind } from "@cryopod/entities"
import {
  type ContainerConfig,
  type ContainerRecord,
  criuConfigAnnotation,
  joinedContainer,
  type OciSpec,
} from "@cryopod/runtime"

/** The runtime configuration without what means something on this host only. */
export const portableSpec = (spec: OciSpec): OciSpec => {
  const { [criuConfigAnnotation]: _, ...annotations } = spec.annotations ?? {}
  const namespaces = spec.linux.namespaces.map(({ type }) => ({ type }))
  return { ...spec, annotations, linux: { ...spec.linux, namespaces } }
}

/** The fields that Podman 5.4 needs, and those without which a container restored by it would be poorer. */
export const libpodDocument = ({ config, id, name }: ContainerRecord, spec: OciSpec): LibpodConfig => ({
  spec: { ...spec, root: { path: "rootfs" }, mounts: spec.mounts.filter(({ type }) => type !== "bind") },
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
  // libpod wants both or neither; an image id is a name it can look up
  rootfsImageName: config.imageName === "" ? config.imageId : config.imageName,
  shmSize: config.shmSizeBytes,
  createNetNS: false,
  command: config.command,
  entrypoint: config.entrypoint,
  labels: config.labels,
  user: config.user,
  stdin: config.openStdin,
  stopSignal: config.stopSignal,
  stopTimeout: config.stopTimeoutSeconds,
  createdTime: config.createdAt,
  cgroupsMode: "enabled",
  logDriver: "k8s-file",
  runtime: config.runtime,
  privileged: config.privileged,
  passwd: true,
  createWorkingDir: true,
  sdnotifyMode: "container",
  umask: "0022",
})

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
