/**
 * A SpecGenerator as the options of `create`.
 *
 * What clients send by default is taken as it is meant; what asks for something that this engine does not have is refused, so
 * that nobody gets another container than the one they asked for.
 */
import {
  CreateFlags,
  type CreateOptions,
  type HealthConfig,
  insistedRuntime,
  NotSupported,
  OptionInvalid,
  optionValues,
  pairTexts,
  type RuntimeUnknown,
  signalName,
} from "@cryopod/entities"
import * as Result from "effect/Result"
import type { SpecGenerator } from "./SpecGenerator.ts"
import { namespaceText } from "./namespaces.ts"
import { networkFlagsFrom } from "./networks.ts"
import { readOfContainers, unheardOf } from "./unheardOf.ts"

const defaults = optionValues(CreateFlags)

export const createOptionsOf = (
  spec: SpecGenerator,
): Result.Result<CreateOptions, OptionInvalid | NotSupported | RuntimeUnknown> => {
  // our own client says it all at once
  if (spec.cryopod !== undefined) return Result.succeed(spec.cryopod)
  const lost = unheardOf(spec, readOfContainers, "container")
  if (lost !== undefined) return Result.fail(new NotSupported({ what: lost }))
  const image = spec.image || spec.raw_image_name || ""
  if (image === "") return Result.fail(new OptionInvalid({ option: "image", value: "", problem: "an image is needed" }))
  const parts = Result.all([namespacesOf(spec), networkFlagsFrom(spec), insistedRuntime(spec.oci_runtime || undefined)])
  return Result.map(parts, ([namespaces, networks, runtime]) => ({
    ...defaults,
    ...runtime,
    ...namespaces,
    ...networks,
    publishAll: spec.publish_image_ports ?? false,
    image,
    command: spec.command ?? [],
    createCommand: spec.containerCreateCommand ?? [],
    name: spec.name ?? "",
    pod: spec.pod ?? "",
    env: pairTexts(spec.env),
    label: pairTexts(spec.labels),
    annotation: pairTexts(spec.annotations),
    workdir: spec.work_dir ?? "",
    hostname: spec.hostname ?? "",
    user: spec.user ?? "",
    entrypoint: spec.entrypoint === undefined || spec.entrypoint === null ? "" : JSON.stringify(spec.entrypoint),
    autoRemove: spec.remove ?? false,
    interactive: spec.stdin ?? false,
    tty: spec.terminal ?? false,
    readOnly: spec.read_only_filesystem ?? false,
    // Podman says no to it of containers that are not read-only
    readOnlyTmpfs: (spec.read_only_filesystem === true ? spec.read_write_tmpfs : undefined) ?? defaults.readOnlyTmpfs,
    imageVolume: spec.image_volume_mode || defaults.imageVolume,
    privileged: spec.privileged ?? false,
    capAdd: spec.cap_add ?? [],
    capDrop: spec.cap_drop ?? [],
    shmSize: spec.shm_size ? String(spec.shm_size) : defaults.shmSize,
    ulimit: (spec.r_limits ?? []).map(limitText),
    stopSignal: spec.stop_signal ? signalName(spec.stop_signal) : "",
    stopTimeout: spec.stop_timeout ?? defaults.stopTimeout,
    restart: `${spec.restart_policy ?? ""}${spec.restart_tries ? `:${spec.restart_tries}` : ""}`,
    ...healthOptions(spec.healthconfig),
  }))
}

/** `RLIMIT_NOFILE` as `nofile=soft:hard`; what does not fit into a number is no limit. */
const limitText = ({ hard, soft, type }: { readonly type: string; readonly hard: number; readonly soft: number }) => {
  const value = (limit: number) => (limit >= Number.MAX_SAFE_INTEGER ? "-1" : String(limit))
  return `${type.toLowerCase().replace(/^rlimit_/, "")}=${value(soft)}:${value(hard)}`
}

/** Times in nanoseconds, and what is not said as by default. */
const healthOptions = (config: HealthConfig | null | undefined): Partial<CreateOptions> => {
  const [keyword] = config?.Test ?? []
  if (config === null || config === undefined || keyword === undefined) return {}
  if (keyword === "NONE") return { noHealthcheck: true }
  return {
    healthCmd: JSON.stringify(config.Test),
    ...(config.Interval === undefined ? {} : { healthInterval: `${config.Interval}ns` }),
    ...(config.Timeout ? { healthTimeout: `${config.Timeout}ns` } : {}),
    ...(config.StartPeriod ? { healthStartPeriod: `${config.StartPeriod}ns` } : {}),
    ...(config.Retries ? { healthRetries: config.Retries } : {}),
  }
}

const namespacesOf = (spec: SpecGenerator) =>
  Result.all({
    pid: namespaceText("the PID namespace", spec.pidns, ["private"]),
    ipc: namespaceText("the IPC namespace", spec.ipcns, ["private", "shareable"]),
    uts: namespaceText("the UTS namespace", spec.utsns, ["private"]),
  })
