/**
 * `config.dump`: the configuration of a container as libpod writes it (Podman 5.4 `libpod/container_config.go`).
 *
 * Only the fields that this project writes or reads are named; strangers' documents may hold more. Everything a
 * reader needs is checked, everything else has libpod's default.
 */
import { CheckpointInvalid, HealthConfig, PortMapping, PortProtocol } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { checkpointMembers } from "./CheckpointMember.ts"

const strings = Schema.NullOr(Schema.Array(Schema.String))
const labels = Schema.NullOr(Schema.Record(Schema.String, Schema.String))

/**
 * A volume that the container mounts (`libpod/container.go`, ContainerNamedVolume). libpod does not say what the volume was
 * made with; the last two fields do, and libpod passes over them.
 */
export const LibpodVolume = Schema.Struct({
  volumeName: Schema.String.check(Schema.isPattern(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/)),
  dest: Schema.String.check(Schema.isPattern(/^\//)),
  options: Schema.optionalKey(strings),
  setAnonymous: Schema.optionalKey(Schema.Boolean),
  SubPath: Schema.optionalKey(Schema.String),
  driverOptions: Schema.optionalKey(labels),
  labels: Schema.optionalKey(labels),
})
export type LibpodVolume = typeof LibpodVolume.Type

/** A container's place on a network (containers/common `libnetwork/types`, PerNetworkOptions). */
const perNetwork = {
  static_ips: Schema.optionalKey(strings),
  static_mac: Schema.optionalKey(Schema.NullOr(Schema.String)),
  aliases: Schema.optionalKey(strings),
  interface_name: Schema.optionalKey(Schema.NullOr(Schema.String)),
  options: Schema.optionalKey(labels),
}

export const LibpodConfig = Schema.Struct({
  spec: Schema.optionalKey(Schema.Unknown),
  id: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)),
  name: Schema.String,
  lockID: Schema.optionalKey(Schema.Int),
  CreateCommand: Schema.optionalKey(strings),
  RawImageName: Schema.optionalKey(Schema.String),
  idMappingsOptions: Schema.optionalKey(Schema.Unknown),
  Dependencies: Schema.optionalKey(strings),
  rootfsImageID: Schema.String,
  rootfsImageName: Schema.optionalKey(Schema.String),
  /** Digest of the image's manifest, by which a registry finds it when its name leads elsewhere. Not libpod's. */
  rootfsImageDigest: Schema.optionalKey(Schema.String),
  ShmDir: Schema.optionalKey(Schema.String),
  shmSize: Schema.optionalKey(Schema.Int),
  staticDir: Schema.optionalKey(Schema.String),
  mounts: Schema.optionalKey(strings),
  namedVolumes: Schema.optionalKey(Schema.NullOr(Schema.Array(LibpodVolume))),
  userVolumes: Schema.optionalKey(strings),
  pod: Schema.optionalKey(Schema.String),
  cgroupNsCtr: Schema.optionalKey(Schema.String),
  ipcNsCtr: Schema.optionalKey(Schema.String),
  netNsCtr: Schema.optionalKey(Schema.String),
  pidNsCtr: Schema.optionalKey(Schema.String),
  utsNsCtr: Schema.optionalKey(Schema.String),
  createNetNS: Schema.optionalKey(Schema.Boolean),
  postConfigureNetNS: Schema.optionalKey(Schema.Boolean),
  /** Podman 4 and 5; without order. */
  newNetworks: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.Struct(perNetwork)))),
  /** Podman 6. */
  orderedNetworks: Schema.optionalKey(
    Schema.NullOr(Schema.Array(Schema.Struct({ ...perNetwork, name: Schema.String }))),
  ),
  newPortMappings: Schema.optionalKey(Schema.NullOr(Schema.Array(PortMapping))),
  /** Protocols by port. */
  exposedPorts: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.Array(PortProtocol)))),
  networkMode: Schema.optionalKey(Schema.String),
  dnsServer: Schema.optionalKey(strings),
  dnsSearch: Schema.optionalKey(strings),
  dnsOption: Schema.optionalKey(strings),
  /** `NAME:ADDRESS` each. */
  hostsAdd: Schema.optionalKey(strings),
  UseImageHosts: Schema.optionalKey(Schema.NullOr(Schema.Boolean)),
  UseImageResolvConf: Schema.optionalKey(Schema.NullOr(Schema.Boolean)),
  command: Schema.optionalKey(strings),
  entrypoint: Schema.optionalKey(strings),
  labels: Schema.optionalKey(labels),
  user: Schema.optionalKey(Schema.String),
  stdin: Schema.optionalKey(Schema.Boolean),
  stopSignal: Schema.optionalKey(Schema.Int),
  stopTimeout: Schema.optionalKey(Schema.Int),
  restart_policy: Schema.optionalKey(Schema.String),
  restart_retries: Schema.optionalKey(Schema.Int),
  healthcheck: Schema.optionalKey(Schema.NullOr(HealthConfig)),
  createdTime: Schema.String,
  cgroupManager: Schema.optionalKey(Schema.String),
  cgroupsMode: Schema.optionalKey(Schema.String),
  cgroupParent: Schema.optionalKey(Schema.String),
  logPath: Schema.optionalKey(Schema.String),
  logDriver: Schema.optionalKey(Schema.String),
  conmonPidFile: Schema.optionalKey(Schema.String),
  pid_file: Schema.optionalKey(Schema.String),
  runtime: Schema.optionalKey(Schema.String),
  privileged: Schema.optionalKey(Schema.Boolean),
  passwd: Schema.optionalKey(Schema.Boolean),
  createWorkingDir: Schema.optionalKey(Schema.Boolean),
  sdnotifyMode: Schema.optionalKey(Schema.String),
  umask: Schema.optionalKey(Schema.String),
  labelopts: Schema.optionalKey(strings),
})
export type LibpodConfig = typeof LibpodConfig.Type

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(LibpodConfig))

/** Read a stranger's `config.dump`; `source` names the checkpoint in the failure. */
export const parseLibpodConfig = (source: string, text: string): Effect.Effect<LibpodConfig, CheckpointInvalid> =>
  decode(text).pipe(
    Effect.mapError(
      ({ message }) =>
        new CheckpointInvalid({
          source,
          member: checkpointMembers.config.name,
          problem: message.split("\n").join(" "),
        }),
    ),
  )
