/** What is told of a container in memory, in libpod's forms. */
import type { ContainerInspect, ContainerSummary } from "../../reports/ContainerReports.ts"
import { zeroInstant } from "../../reports/ContainerReports.ts"
import { noHostLimits } from "../../reports/HostLimits.ts"
import { bindTexts, mountReports, tmpfsTexts } from "../../values/MountReports.ts"
import { healthConfigOf } from "../../values/HealthCheck.ts"
import { signalName } from "../../values/Signal.ts"
import { changesOf } from "./Files.ts"
import * as Deferred from "effect/Deferred"
import { isActive, type MemoryContainer, type MemoryHost } from "./MemoryHost.ts"
import { defaultNetwork } from "../../values/NetworkDefinition.ts"
import { networkSettings } from "../../values/NetworkSettings.ts"
import { exposedProtocols, portBindings } from "../../values/PortMapping.ts"
import { ownersOf } from "./MemoryNamespaces.ts"

const zeroSeconds = -62_135_596_800
const unix = (at: string | undefined) => (at === undefined ? zeroSeconds : Math.floor(Date.parse(at) / 1000))

export const summaryOf = (container: MemoryContainer): ContainerSummary => summary(container, isActive(container))

const summary = ({ config, health, id, name, state }: MemoryContainer, active: boolean): ContainerSummary => ({
  AutoRemove: config.autoRemove,
  Command: [...config.entrypoint, ...config.command],
  Created: config.createdAt,
  CreatedAt: config.createdAt,
  CreatedUnix: unix(config.createdAt),
  Exited: state.status === "exited",
  ExitedAt: unix(state.finishedAt),
  ExitCode: state.exitCode,
  Id: id,
  Image: config.imageName || config.imageId,
  ImageID: config.imageId,
  IsInfra: false,
  Labels: config.labels,
  Mounts: config.mounts.map(({ destination }) => destination),
  Names: [name],
  Networks: config.connection.attachments.map(({ network }) => network),
  Pid: state.pid,
  Pod: "",
  PodName: "",
  Ports: config.connection.published,
  ExposedPorts: exposedProtocols(config.connection.exposed),
  Restarts: 0,
  Size: null,
  StartedAt: unix(state.startedAt),
  State: state.status,
  Status: config.health !== undefined && active ? health.Status : "",
})

/** Bytes of files: those that the image has not, and all of them. */
export const sizesOf = (host: MemoryHost, { config, files }: MemoryContainer) => {
  const base = host.images.find(({ id }) => id === config.imageId)?.files ?? new Map()
  const changed = new Set(changesOf(base, files).map(({ path }) => path))
  const bytes = (wanted: (path: string) => boolean) =>
    [...files].reduce((sum, [path, node]) => sum + (node.kind === "file" && wanted(path) ? node.content.length : 0), 0)
  return { rwSize: bytes((path) => changed.has(path)), rootFsSize: bytes(() => true) }
}

const modes = ["none", "host"] as const

export const inspectOf = (host: MemoryHost, container: MemoryContainer): ContainerInspect => {
  const { config, id, name, run, state } = container
  const image = host.images.find((other) => other.id === config.imageId)
  const [path = "", ...args] = [...config.entrypoint, ...config.command]
  const place = `memory:${id}`
  return {
    Id: id,
    Created: config.createdAt,
    Path: path,
    Args: args,
    State: stateOf(container, place),
    Image: config.imageId,
    ImageDigest: image?.manifestDigest ?? "",
    ImageName: config.imageName || config.imageId,
    Rootfs: "",
    Pod: "",
    ResolvConfPath: "",
    HostnamePath: "",
    HostsPath: config.connection.names.noHosts ? "" : `${place}/hosts`,
    StaticDir: place,
    OCIConfigPath: `${place}/config.json`,
    OCIRuntime: config.runtime,
    ConmonPidFile: "",
    PidFile: "",
    Name: name,
    RestartCount: state.restartCount ?? 0,
    Driver: "memory",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    EffectiveCaps: [],
    BoundingCaps: [],
    ExecIDs: [...(run?.sessions ?? [])].flatMap(([session, { program }]) =>
      Deferred.isDoneUnsafe(program.exit) ? [] : [session],
    ),
    GraphDriver: { Name: "memory", Data: {} },
    Mounts: mountReports(config.mounts, (volume) => `memory:${volume}`),
    Dependencies: ownersOf(container),
    NetworkSettings: networkSettings(
      {
        id,
        hostname: config.hostname,
        attachments: config.connection.attachments,
        ports: config.connection.published,
        exposed: config.connection.exposed,
        mode: modes.find((mode) => mode === config.namespaces.net),
      },
      {
        status: isActive(container) ? config.places : undefined,
        sandboxKey: "",
        idOf: (network) => (network === defaultNetwork.name ? defaultNetwork.id : ""),
      },
    ),
    Namespace: "",
    IsInfra: false,
    IsService: false,
    KubeExitCodePropagation: "invalid",
    lockNumber: 0,
    Config: {
      Hostname: config.hostname,
      Domainname: "",
      User: config.user,
      AttachStdin: false,
      AttachStdout: false,
      AttachStderr: false,
      Tty: config.terminal,
      OpenStdin: config.openStdin,
      StdinOnce: false,
      Env: config.env,
      Cmd: config.command,
      Image: config.imageName || config.imageId,
      Volumes: null,
      WorkingDir: config.workdir,
      Entrypoint: config.entrypoint,
      OnBuild: null,
      Labels: config.labels,
      Annotations: config.annotations,
      StopSignal: signalName(config.stopSignal),
      CreateCommand: config.createCommand,
      ...(config.health === undefined ? {} : { Healthcheck: healthConfigOf(config.health) }),
      Umask: "0022",
      Timeout: 0,
      StopTimeout: config.stopTimeoutSeconds,
      Passwd: true,
      sdNotifyMode: "container",
    },
    HostConfig: {
      Binds: bindTexts(config.mounts),
      Tmpfs: tmpfsTexts(config.mounts),
      CgroupManager: "none",
      CgroupMode: "private",
      ContainerIDFile: "",
      LogConfig: { Type: "memory", Config: null, Path: "", Tag: "", Size: "0B" },
      NetworkMode: config.namespaces.net,
      PortBindings: portBindings(config.connection.published),
      Dns: config.connection.names.servers,
      DnsOptions: config.connection.names.options,
      DnsSearch: config.connection.names.searches,
      ExtraHosts: config.connection.names.hosts,
      RestartPolicy: { Name: config.restartPolicy.name, MaximumRetryCount: config.restartPolicy.retries },
      AutoRemove: config.autoRemove,
      Annotations: config.annotations,
      VolumeDriver: "",
      VolumesFrom: null,
      CapAdd: config.capAdd,
      CapDrop: config.capDrop,
      Privileged: config.privileged,
      ReadonlyRootfs: config.readOnly,
      ShmSize: config.shmSizeBytes,
      Runtime: "oci",
      IpcMode: config.namespaces.ipc,
      PidMode: config.namespaces.pid,
      UTSMode: config.namespaces.uts,
      UsernsMode: "",
      Init: false,
      Ulimits: config.rlimits.map(({ hard, soft, type }) => ({ Name: type, Soft: soft, Hard: hard })),
      ...noHostLimits,
    },
  }
}

const stateOf = (container: MemoryContainer, place: string): ContainerInspect["State"] => {
  const { state } = container
  return {
    OciVersion: "1.2.0",
    Status: state.status,
    Running: state.status === "running",
    Paused: state.status === "paused",
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: state.pid,
    ConmonPid: 0,
    ExitCode: state.exitCode,
    Error: state.startError ?? "",
    StartedAt: state.startedAt ?? zeroInstant,
    FinishedAt: state.finishedAt ?? zeroInstant,
    CgroupPath: isActive(container) ? `/memory/${container.id}` : "",
    Checkpointed: state.checkpointed,
    CheckpointedAt: state.checkpointedAt ?? zeroInstant,
    ...(state.restored ? { Restored: true } : {}),
    RestoredAt: state.restoredAt ?? zeroInstant,
    ...(container.checkpoint === undefined ? {} : { CheckpointPath: `${place}/userdata/checkpoint` }),
    ...(state.kept === "checkpoint" || (state.kept === "restore" && container.checkpoint !== undefined)
      ? { CheckpointLog: `${place}/userdata/dump.log` }
      : {}),
    ...(state.kept === "restore" ? { RestoreLog: `${place}/userdata/restore.log` } : {}),
    ...(container.config.health === undefined ? {} : { Health: container.health }),
  }
}
