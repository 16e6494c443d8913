/** From libpod's `config.dump` and `spec.dump` to a container of ours: the way back of `libpodDocument`. Pure. */
import { CheckpointInvalid } from "@cryopod/entities"
import type { ContainerPaths } from "@cryopod/host"
import {
  type ContainerConfig,
  criuConfigAnnotation,
  engineMountSource,
  type OciSpec,
  type RuntimeName,
} from "@cryopod/runtime"
import * as Result from "effect/Result"
import type { OpenedCheckpoint } from "./open.ts"

export interface Destination {
  readonly id: string
  readonly runtime: RuntimeName
  readonly imageId: string
}

export const importedConfig = (
  { config, source, spec }: OpenedCheckpoint,
  { id, imageId, runtime }: Destination,
): Result.Result<ContainerConfig, CheckpointInvalid> => {
  const refuse = (problem: string) => Result.fail(new CheckpointInvalid({ source, member: "config.dump", problem }))
  if ((config.namedVolumes ?? []).length > 0) return refuse("named volumes cannot be restored yet")
  if (config.createNetNS === true) return refuse("only the networks none and host can be restored yet")
  if ((config.pod ?? "") !== "") return refuse("cannot restore pod container without --pod")
  if ((config.Dependencies ?? []).length > 0) return refuse("cannot import checkpoints of containers with dependencies")
  const { process: program } = spec
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
    user: config.user ?? "",
    hostname: spec.hostname ?? "",
    labels: config.labels ?? {},
    annotations: Object.fromEntries(
      Object.entries(spec.annotations ?? {}).filter(([key]) => !ownAnnotations.test(key)),
    ),
    terminal: program.terminal === true,
    openStdin: config.stdin === true,
    network: spec.linux.namespaces.some(({ type }) => type === "network") ? "none" : "host",
    autoRemove: spec.annotations?.["io.podman.annotations.autoremove"] === "TRUE",
    readOnly: spec.root.readonly === true,
    privileged: config.privileged === true,
    capAdd: [],
    capDrop: [],
    shmSizeBytes: config.shmSize ?? defaultShmBytes,
    rlimits: program.rlimits ?? [],
    stopSignal: config.stopSignal ?? 15,
    stopTimeoutSeconds: config.stopTimeout ?? 10,
    createCommand: config.CreateCommand ?? [],
  })
}

/** libpod's own default. */
const defaultShmBytes = 65_536_000

/** Annotations that engines write by themselves, and those by which an archive could make the host do something. */
const ownAnnotations =
  /^(io\.container\.manager|io\.podman\.annotations\.|org\.criu\.config|org\.systemd\.property\.|cdi\.k8s\.io\/)/

/**
 * A stranger's runtime configuration made ours: root and mount sources lie in our bundle, by destination; cgroups are
 * ours; hooks and everything that names a file of the host are gone.
 */
export const importedSpec = (
  spec: OciSpec,
  {
    cgroups,
    config,
    paths,
  }: { readonly cgroups: string; readonly config: ContainerConfig; readonly paths: ContainerPaths },
): OciSpec => {
  const { hooks: _, ...rest } = spec
  return {
    ...rest,
    process: { ...spec.process, rlimits: config.rlimits },
    root: { ...spec.root, path: paths.merged },
    mounts: spec.mounts.map((mount) => {
      const source = engineMountSource(paths, mount.destination)
      return mount.type === "bind" && source !== undefined ? { ...mount, source } : mount
    }),
    annotations: {
      "io.container.manager": "libpod",
      ...(config.autoRemove ? { "io.podman.annotations.autoremove": "TRUE" } : {}),
      ...config.annotations,
      [criuConfigAnnotation]: paths.criuConfig,
    },
    linux: { ...spec.linux, cgroupsPath: cgroups },
  }
}

/** Bind mounts of the host's own files, which a checkpoint from elsewhere must not get silently. */
export const foreignBinds = (spec: OciSpec, paths: ContainerPaths): ReadonlyArray<string> =>
  spec.mounts
    .filter(({ destination, type }) => type === "bind" && engineMountSource(paths, destination) === undefined)
    .map(({ destination }) => destination)
