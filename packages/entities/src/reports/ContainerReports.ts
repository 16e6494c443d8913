/**
 * What the engine tells about containers. Field names are libpod's (`libpod/define` InspectContainerData,
 * `pkg/domain/entities` ListContainer), because templates, scripts and the REST API use them.
 */
import * as Schema from "effect/Schema"
import { hostLimits } from "./HostLimits.ts"
import { HealthConfig, HealthResults } from "../values/HealthCheck.ts"
import { PortMapping, PortProtocol } from "../values/PortMapping.ts"

/** A container's place on one network, as `inspect` shows it. */
export const EndpointReport = Schema.Struct({
  EndpointID: Schema.String,
  Gateway: Schema.String,
  IPAddress: Schema.String,
  IPPrefixLen: Schema.Int,
  IPv6Gateway: Schema.String,
  GlobalIPv6Address: Schema.String,
  GlobalIPv6PrefixLen: Schema.Int,
  MacAddress: Schema.String,
  NetworkID: Schema.String,
  DriverOpts: Schema.NullOr(Schema.Record(Schema.String, Schema.String)),
  IPAMConfig: Schema.Null,
  Links: Schema.Null,
  /** Of a network that has names. */
  Aliases: Schema.optionalKey(Schema.Array(Schema.String)),
})
export type EndpointReport = typeof EndpointReport.Type

/** Ports of the host by those of the container (`80/tcp`); null for one that is exposed and not published. */
const PortBindingsReport = Schema.Record(
  Schema.String,
  Schema.NullOr(Schema.Array(Schema.Struct({ HostIp: Schema.String, HostPort: Schema.String }))),
)

/** libpod's words for what a container is doing. */
export const ContainerStatus = Schema.Literals(["created", "running", "paused", "stopped", "exited"])
export type ContainerStatus = typeof ContainerStatus.Type

/** A service of Podman's has words for what lies between them, too (podman `libpod/define/containerstate.go`). */
const ReportedStatus = Schema.Literals([...ContainerStatus.literals, "initialized", "stopping", "removing", "unknown"])

const strings = Schema.Array(Schema.String)
const labels = Schema.Record(Schema.String, Schema.String)

/** One row of `ps`. Times are Unix seconds, `Created` as well. */
export const ContainerSummary = Schema.Struct({
  AutoRemove: Schema.Boolean,
  Command: strings,
  Created: Schema.String,
  CreatedAt: Schema.String,
  CreatedUnix: Schema.Int,
  Exited: Schema.Boolean,
  ExitedAt: Schema.Int,
  ExitCode: Schema.Int,
  Id: Schema.String,
  Image: Schema.String,
  ImageID: Schema.String,
  IsInfra: Schema.Boolean,
  Labels: labels,
  Mounts: strings,
  Names: strings,
  Networks: strings,
  Pid: Schema.Int,
  Pod: Schema.String,
  PodName: Schema.String,
  Ports: Schema.Array(PortMapping),
  /** Protocols of the ports that are exposed, by their numbers. */
  ExposedPorts: Schema.Record(Schema.String, Schema.Array(PortProtocol)),
  Restarts: Schema.Int,
  /** Bytes of what the container has changed, and of that with its image; null when not asked for. */
  Size: Schema.NullOr(Schema.Struct({ rootFsSize: Schema.Int, rwSize: Schema.Int })),
  StartedAt: Schema.Int,
  State: ReportedStatus,
  /** What the health check last said; empty without one. */
  Status: Schema.String,
})
export type ContainerSummary = typeof ContainerSummary.Type

/** The `State` object of `inspect`; instants are RFC 3339, libpod's zero time when it has not come to pass. */
export const ContainerState = Schema.Struct({
  OciVersion: Schema.String,
  Status: ReportedStatus,
  Running: Schema.Boolean,
  Paused: Schema.Boolean,
  Restarting: Schema.Boolean,
  OOMKilled: Schema.Boolean,
  Dead: Schema.Boolean,
  Pid: Schema.Int,
  ConmonPid: Schema.Int,
  ExitCode: Schema.Int,
  Error: Schema.String,
  StartedAt: Schema.String,
  FinishedAt: Schema.String,
  CgroupPath: Schema.String,
  Checkpointed: Schema.Boolean,
  CheckpointedAt: Schema.String,
  Restored: Schema.optionalKey(Schema.Boolean),
  RestoredAt: Schema.String,
  CheckpointPath: Schema.optionalKey(Schema.String),
  CheckpointLog: Schema.optionalKey(Schema.String),
  RestoreLog: Schema.optionalKey(Schema.String),
  /** What its health check last said. */
  Health: Schema.optionalKey(HealthResults),
})

/** One volume or bind mount of a container. */
export const MountReport = Schema.Struct({
  Type: Schema.Literals(["bind", "volume"]),
  /** Of a volume. */
  Name: Schema.optionalKey(Schema.String),
  /** Path on the engine's host. */
  Source: Schema.String,
  Destination: Schema.String,
  Driver: Schema.String,
  /** `z` or `Z` when it was to be labelled. */
  Mode: Schema.String,
  /** Those that have no field of their own here. */
  Options: strings,
  RW: Schema.Boolean,
  Propagation: Schema.String,
})
export type MountReport = typeof MountReport.Type

export const ContainerInspect = Schema.Struct({
  Id: Schema.String,
  Created: Schema.String,
  Path: Schema.String,
  Args: strings,
  State: ContainerState,
  Image: Schema.String,
  ImageDigest: Schema.String,
  ImageName: Schema.String,
  Rootfs: Schema.String,
  Pod: Schema.String,
  ResolvConfPath: Schema.String,
  HostnamePath: Schema.String,
  HostsPath: Schema.String,
  StaticDir: Schema.String,
  OCIConfigPath: Schema.String,
  OCIRuntime: Schema.String,
  ConmonPidFile: Schema.String,
  PidFile: Schema.String,
  Name: Schema.String,
  RestartCount: Schema.Int,
  Driver: Schema.String,
  MountLabel: Schema.String,
  ProcessLabel: Schema.String,
  AppArmorProfile: Schema.String,
  EffectiveCaps: strings,
  BoundingCaps: strings,
  ExecIDs: strings,
  GraphDriver: Schema.Struct({ Name: Schema.String, Data: labels }),
  Mounts: Schema.Array(MountReport),
  Dependencies: strings,
  NetworkSettings: Schema.Struct({
    EndpointID: Schema.String,
    Gateway: Schema.String,
    IPAddress: Schema.String,
    IPPrefixLen: Schema.Int,
    IPv6Gateway: Schema.String,
    GlobalIPv6Address: Schema.String,
    GlobalIPv6PrefixLen: Schema.Int,
    MacAddress: Schema.String,
    Bridge: Schema.String,
    SandboxID: Schema.String,
    HairpinMode: Schema.Boolean,
    LinkLocalIPv6Address: Schema.String,
    LinkLocalIPv6PrefixLen: Schema.Int,
    Ports: PortBindingsReport,
    SandboxKey: Schema.String,
    Networks: Schema.optionalKey(Schema.Record(Schema.String, EndpointReport)),
  }),
  Namespace: Schema.String,
  IsInfra: Schema.Boolean,
  IsService: Schema.Boolean,
  KubeExitCodePropagation: Schema.String,
  lockNumber: Schema.Int,
  Config: Schema.Struct({
    Hostname: Schema.String,
    Domainname: Schema.String,
    User: Schema.String,
    AttachStdin: Schema.Boolean,
    AttachStdout: Schema.Boolean,
    AttachStderr: Schema.Boolean,
    Tty: Schema.Boolean,
    OpenStdin: Schema.Boolean,
    StdinOnce: Schema.Boolean,
    Env: strings,
    Cmd: strings,
    Image: Schema.String,
    Volumes: Schema.Null,
    WorkingDir: Schema.String,
    Entrypoint: strings,
    OnBuild: Schema.Null,
    Labels: labels,
    Annotations: labels,
    StopSignal: Schema.String,
    CreateCommand: strings,
    Healthcheck: Schema.optionalKey(HealthConfig),
    Umask: Schema.String,
    Timeout: Schema.Int,
    StopTimeout: Schema.Int,
    Passwd: Schema.Boolean,
    sdNotifyMode: Schema.String,
  }),
  HostConfig: Schema.Struct({
    /** `SOURCE:DESTINATION:OPTIONS` of each volume and bind mount. */
    Binds: strings,
    /** Options of each file system in memory, by destination. */
    Tmpfs: labels,
    CgroupManager: Schema.String,
    CgroupMode: Schema.String,
    ContainerIDFile: Schema.String,
    LogConfig: Schema.Struct({
      Type: Schema.String,
      Config: Schema.Null,
      Path: Schema.String,
      Tag: Schema.String,
      Size: Schema.String,
    }),
    NetworkMode: Schema.String,
    PortBindings: PortBindingsReport,
    Dns: strings,
    DnsOptions: strings,
    DnsSearch: strings,
    ExtraHosts: strings,
    RestartPolicy: Schema.Struct({ Name: Schema.String, MaximumRetryCount: Schema.Int }),
    AutoRemove: Schema.Boolean,
    Annotations: labels,
    VolumeDriver: Schema.String,
    VolumesFrom: Schema.NullOr(Schema.Array(Schema.String)),
    CapAdd: strings,
    CapDrop: strings,
    Privileged: Schema.Boolean,
    ReadonlyRootfs: Schema.Boolean,
    ShmSize: Schema.Int,
    Runtime: Schema.String,
    IpcMode: Schema.String,
    PidMode: Schema.String,
    UTSMode: Schema.String,
    UsernsMode: Schema.String,
    Init: Schema.Boolean,
    Ulimits: Schema.Array(Schema.Struct({ Name: Schema.String, Soft: Schema.Int, Hard: Schema.Int })),
    ...hostLimits,
  }),
})
export type ContainerInspect = typeof ContainerInspect.Type

/** libpod's instant for "not yet". */
export const zeroInstant = "0001-01-01T00:00:00Z"

/** One changed path of a container's root filesystem. */
export const PathChange = Schema.Struct({
  /** `modified`, `added` or `deleted`; `C`, `A` and `D` on the command line. */
  kind: Schema.Literals(["modified", "added", "deleted"]),
  /** Absolute path inside the container. */
  path: Schema.String,
})
export type PathChange = typeof PathChange.Type

/** One line of a container's output. */
export interface LogLine {
  readonly stream: "stdout" | "stderr"
  /** RFC 3339 with nanoseconds, as conmon wrote it. */
  readonly timestamp: string
  readonly content: Uint8Array
  /** The line goes on in the next record of the same stream. */
  readonly partial: boolean
}
