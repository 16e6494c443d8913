/** `inspect`: a container's record in libpod's form. */
import {
  bindTexts,
  type ContainerInspect,
  healthConfigOf,
  mountReports,
  noHostLimits,
  noRestart,
  portBindings,
  signalName,
  tmpfsTexts,
  zeroInstant,
} from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import { ImageStore } from "@cryopod/images"
import {
  capabilitiesOf,
  cgroupsPath,
  containerPaths,
  Containers,
  type ContainerState,
  dependenciesOf,
  heldCapabilities,
  isActive,
  namespaceText,
  ociVersion,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { readSpec } from "./bundle.ts"
import { liveSessions } from "../exec/sessions.ts"
import { healthResults } from "../health/healthResults.ts"
import { networkReport } from "../network/networkReport.ts"
import { observe } from "./observe.ts"

export const inspect = Effect.fn("ContainerEngine.inspect")(function* (ref: string) {
  const record = yield* (yield* Containers).find(ref)
  const { config, id, name } = record
  const layout = yield* Layout
  const paths = layout.container(id)
  const state = observe(record.state, paths)
  const digest = yield* (yield* ImageStore).get(config.imageId).pipe(
    Effect.map(({ manifestDigest }) => manifestDigest),
    Effect.catchTag("ImageNotFound", () => Effect.succeed("")),
  )
  // with what was added when it last started; one that is being made has no bundle yet
  const env = yield* readSpec(paths).pipe(
    Effect.map(({ process: { env: known = [] } }) => known),
    Effect.orElseSucceed(() => config.env),
  )
  const [path = "", ...args] = [...config.entrypoint, ...config.command]
  const capabilities = capabilitiesOf(config, heldCapabilities()).toSorted()
  const file = (mounted: string) => join(paths.userdata, mounted)
  const placed = containerPaths(layout, config)
  return {
    Id: id,
    Created: config.createdAt,
    Path: path,
    Args: args,
    State: { ...stateOf(state, id), ...(config.health === undefined ? {} : { Health: healthResults(paths) }) },
    Image: config.imageId,
    ImageDigest: digest,
    ImageName: config.imageName || config.imageId,
    Rootfs: "",
    Pod: config.pod ?? "",
    ResolvConfPath: config.network === "none" || config.names?.unmanaged === true ? "" : placed.resolvConf,
    HostnamePath: file("hostname"),
    HostsPath: config.names?.noHosts === true ? "" : placed.hosts,
    StaticDir: paths.userdata,
    OCIConfigPath: paths.config,
    OCIRuntime: config.runtime,
    ConmonPidFile: paths.conmonPidFile,
    PidFile: paths.pidFile,
    Name: name,
    RestartCount: state.restartCount ?? 0,
    Driver: "overlay",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    EffectiveCaps: capabilities,
    BoundingCaps: capabilities,
    ExecIDs: isActive(state) ? (yield* liveSessions(paths)).map((session) => session.id) : [],
    GraphDriver: {
      Name: "overlay",
      Data: {
        UpperDir: paths.upper,
        WorkDir: paths.work,
        ...(isActive(state) ? { MergedDir: paths.merged } : {}),
      },
    },
    Mounts: mountReports(config.mounts, (volume) => layout.volume(volume).data),
    Dependencies: dependenciesOf(config),
    NetworkSettings: yield* networkReport({ ...record, state }),
    Namespace: "",
    IsInfra: config.infra === true,
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
      Env: env,
      Cmd: config.command,
      Image: config.imageName || config.imageId,
      Volumes: null,
      WorkingDir: config.workdir,
      Entrypoint: config.entrypoint,
      OnBuild: null,
      Labels: config.labels,
      Annotations: { "io.container.manager": "libpod", ...config.annotations },
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
      CgroupManager: "cgroupfs",
      CgroupMode: "host",
      ContainerIDFile: "",
      LogConfig: { Type: "k8s-file", Config: null, Path: paths.log, Tag: "", Size: "0B" },
      NetworkMode: namespaceText(config, "net", config.network),
      PortBindings: portBindings(config.ports ?? []),
      Dns: config.names?.servers ?? [],
      DnsOptions: config.names?.options ?? [],
      DnsSearch: config.names?.searches ?? [],
      ExtraHosts: config.names?.hosts ?? [],
      RestartPolicy: {
        Name: (config.restartPolicy ?? noRestart).name,
        MaximumRetryCount: (config.restartPolicy ?? noRestart).retries,
      },
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
      IpcMode: namespaceText(config, "ipc", config.ipcShareable === false ? "private" : "shareable"),
      PidMode: namespaceText(config, "pid", "private"),
      UTSMode: namespaceText(config, "uts", "private"),
      UsernsMode: "",
      Init: false,
      Ulimits: config.rlimits.map(({ hard, soft, type }) => ({ Name: type, Soft: soft, Hard: hard })),
      ...noHostLimits,
    },
  } satisfies ContainerInspect
})

const stateOf = (state: ContainerState, id: string): ContainerInspect["State"] => ({
  OciVersion: ociVersion,
  Status: state.status,
  Running: state.status === "running",
  Paused: state.status === "paused",
  Restarting: false,
  OOMKilled: false,
  Dead: false,
  Pid: state.pid,
  ConmonPid: state.conmonPid,
  ExitCode: state.exitCode,
  Error: state.startError ?? "",
  StartedAt: state.startedAt ?? zeroInstant,
  FinishedAt: state.finishedAt || zeroInstant,
  CgroupPath: isActive(state) ? cgroupsPath(id) : "",
  Checkpointed: state.checkpointed,
  CheckpointedAt: state.checkpointedAt ?? zeroInstant,
  ...(state.restored ? { Restored: true } : {}),
  RestoredAt: state.restoredAt ?? zeroInstant,
  ...(state.checkpointPath === undefined ? {} : { CheckpointPath: state.checkpointPath }),
  ...(state.checkpointLog === undefined ? {} : { CheckpointLog: state.checkpointLog }),
  ...(state.restoreLog === undefined ? {} : { RestoreLog: state.restoreLog }),
})
