/** From libpod's `config.dump` and `spec.dump` to a container of ours: the way back of `libpodDocument`. Pure. */
import {
  CheckpointInvalid,
  type ContainerMount,
  healthCheckFrom,
  parseRestartPolicy,
  type RuntimeName,
} from "@cryopod/entities"
import type { ContainerConfig } from "@cryopod/runtime"
import * as Result from "effect/Result"
import type { Membership } from "../container/membership.ts"
import { renamedPod } from "./importedMembership.ts"
import { importedAnnotations } from "./importedSpec.ts"
import type { OpenedCheckpoint } from "./open.ts"

export interface Destination {
  readonly id: string
  readonly runtime: RuntimeName
  readonly imageId: string
  readonly membership: Membership
  readonly mounts: ReadonlyArray<ContainerMount>
}

export const importedConfig = (
  { config, source, spec }: OpenedCheckpoint,
  { id, imageId, membership, mounts, runtime }: Destination,
): Result.Result<ContainerConfig, CheckpointInvalid> => {
  const refuse = (problem: string) => Result.fail(new CheckpointInvalid({ source, member: "config.dump", problem }))
  const { process: program } = spec
  const retries = config.restart_retries ? `:${config.restart_retries}` : ""
  const restartPolicy = parseRestartPolicy(`${config.restart_policy ?? ""}${retries}`)
  if (typeof restartPolicy === "string") return refuse(restartPolicy)
  const health = healthCheckFrom(config.healthcheck)
  return Result.succeed({
    id,
    createdAt: config.createdTime ?? "",
    imageId,
    imageName: config.rootfsImageName ?? "",
    rawImageName: config.RawImageName ?? config.rootfsImageName ?? "",
    runtime,
    entrypoint: config.entrypoint ?? [],
    command: config.command ?? program.args.slice((config.entrypoint ?? []).length),
    env: program.env ?? [],
    workdir: program.cwd,
    workdirRequired: config.createWorkingDir !== true,
    user: config.user ?? "",
    hostname: membership.hostname ?? spec.hostname ?? "",
    labels: config.labels ?? {},
    annotations: importedAnnotations(spec.annotations),
    terminal: program.terminal === true,
    openStdin: config.stdin === true,
    network: membership.network,
    attachments: membership.connection.attachments,
    ports: membership.connection.published,
    exposed: membership.connection.exposed,
    names: membership.connection.names,
    namespaces: membership.namespaces,
    ipcShareable: membership.ipcShareable,
    ...(membership.pod === undefined ? {} : { pod: membership.pod }),
    autoRemove: spec.annotations?.["io.podman.annotations.autoremove"] === "TRUE",
    readOnly: spec.root.readonly === true,
    readOnlyTmpfs: true,
    mounts,
    privileged: config.privileged === true,
    capAdd: [],
    capDrop: [],
    shmSizeBytes: config.shmSize ?? defaultShmBytes,
    rlimits: program.rlimits ?? [],
    stopSignal: config.stopSignal ?? 15,
    stopTimeoutSeconds: config.stopTimeout ?? 10,
    restartPolicy,
    ...(health === undefined ? {} : { health }),
    createCommand: renamedPod(config.CreateCommand ?? [], { from: config.pod ?? "", to: membership.pod }),
  })
}

/** libpod's own default. */
const defaultShmBytes = 65_536_000
