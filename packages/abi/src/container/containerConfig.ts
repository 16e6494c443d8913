/** From what a caller asks for and what the image says to the configuration of a container. Pure. */
import {
  type ContainerMount,
  type ContainerOptionInvalid,
  containerValues,
  type CreateOptions,
  type ExposedPort,
  healthCheckOf,
  isContainerName,
  keyValues,
  NameInvalid,
  OptionInvalid,
  restartRefusal,
  type PortMapping,
  type Rlimit,
  SignalInvalid,
  signalNumber,
  type RuntimeName,
} from "@cryopod/entities"
import type { ExecutionConfig } from "@cryopod/images"
import type { ContainerConfig } from "@cryopod/runtime"
import * as Result from "effect/Result"
import type { Membership } from "./membership.ts"

export interface ConfigInputs {
  readonly id: string
  readonly createdAt: string
  readonly runtime: RuntimeName
  readonly options: CreateOptions
  readonly image: { readonly id: string; readonly name: string; readonly config: ExecutionConfig }
  readonly mounts: ReadonlyArray<ContainerMount>
  /** All ports of the host are known. */
  readonly ports: ReadonlyArray<PortMapping>
  readonly exposed: ReadonlyArray<ExposedPort>
  /** Hard limits of this process, the container's own by default. */
  readonly ceilings: Readonly<Record<string, number>>
  readonly membership: Membership
  /** Environment of the caller, for `--env NAME` without a value. */
  readonly callerEnv: Readonly<Record<string, string | undefined>>
}

export const containerConfig = (
  inputs: ConfigInputs,
): Result.Result<ContainerConfig, OptionInvalid | ContainerOptionInvalid | NameInvalid | SignalInvalid> => {
  const { image, options } = inputs
  const invalid = (option: string, value: string, problem: string) =>
    Result.fail(new OptionInvalid({ option, value, problem }))

  if (options.name !== "" && !isContainerName(options.name)) return Result.fail(new NameInvalid({ name: options.name }))
  const refusal = restartRefusal(options)
  if (refusal !== undefined) return Result.fail(refusal)
  const values = containerValues(options)
  if (Result.isFailure(values)) return Result.fail(values.failure)
  const { restartPolicy, rlimits, shmSizeBytes } = values.success
  const stopSignal = signalNumber(options.stopSignal || (image.config.StopSignal ?? "TERM"))
  if (stopSignal === undefined) return Result.fail(new SignalInvalid({ signal: options.stopSignal }))
  const health = healthCheckOf(options, image.config.Healthcheck)
  if (typeof health === "string") return invalid("health-cmd", options.healthCmd, health)
  const entrypoint = options.entrypoint === "" ? (image.config.Entrypoint ?? []) : parseEntrypoint(options.entrypoint)
  const command =
    options.command.length > 0 ? options.command : options.entrypoint === "" ? (image.config.Cmd ?? []) : []
  if (entrypoint.length + command.length === 0) {
    return invalid("entrypoint", "", "no command or entrypoint provided, and no CMD or ENTRYPOINT from image")
  }
  const { connection, infra, ipcShareable, namespaces, network, pod } = inputs.membership
  const hostname = inputs.membership.hostname ?? (options.hostname === "" ? inputs.id.slice(0, 12) : options.hostname)

  return Result.succeed({
    id: inputs.id,
    createdAt: inputs.createdAt,
    imageId: image.id,
    imageName: image.name,
    rawImageName: options.image,
    runtime: inputs.runtime,
    entrypoint,
    command,
    env: environment(inputs, hostname),
    workdir: options.workdir || image.config.WorkingDir || "/",
    workdirRequired: options.workdir !== "",
    user: options.user || image.config.User || "",
    hostname,
    labels: { ...image.config.Labels, ...keyValues(options.label) },
    annotations: keyValues(options.annotation),
    terminal: options.tty,
    openStdin: options.interactive,
    network,
    attachments: connection.attachments,
    ports: inputs.ports,
    exposed: inputs.exposed,
    names: connection.names,
    namespaces,
    ipcShareable,
    ...(pod === undefined ? {} : { pod }),
    ...(infra === undefined ? {} : { infra }),
    autoRemove: options.autoRemove,
    readOnly: options.readOnly,
    readOnlyTmpfs: options.readOnlyTmpfs,
    mounts: inputs.mounts,
    privileged: options.privileged,
    capAdd: options.capAdd,
    capDrop: options.capDrop,
    shmSizeBytes,
    rlimits: withDefaults(rlimits, inputs.ceilings),
    stopSignal,
    stopTimeoutSeconds: options.stopTimeout,
    restartPolicy,
    ...(health === undefined ? {} : { health }),
    createCommand: options.createCommand ?? [],
  })
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/** The image's variables, then the caller's; the last word on a name counts. HOME is added once the user is known. */
const environment = ({ callerEnv, image, options }: ConfigInputs, hostname: string): ReadonlyArray<string> => {
  const variables = new Map<string, string>([
    ["PATH", defaultPath],
    ["container", "podman"],
    ...(options.tty ? [["TERM", "xterm"] as const] : []),
    ["HOSTNAME", hostname],
  ])
  for (const text of [...(image.config.Env ?? []), ...options.env]) {
    const equals = text.indexOf("=")
    const name = equals < 0 ? text : text.slice(0, equals)
    const value = equals < 0 ? callerEnv[name] : text.slice(equals + 1)
    if (value === undefined) variables.delete(name)
    else variables.set(name, value)
  }
  return [...variables].map(([name, value]) => `${name}=${value}`)
}

/** A JSON array, or one word. */
const parseEntrypoint = (text: string): ReadonlyArray<string> => {
  if (!text.startsWith("[")) return [text]
  try {
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) && parsed.every((word) => typeof word === "string") ? parsed : [text]
  } catch {
    return [text]
  }
}

/** Open files and processes as far as this process may go, unless the caller says otherwise. */
const withDefaults = (
  given: ReadonlyArray<Rlimit>,
  ceilings: Readonly<Record<string, number>>,
): ReadonlyArray<Rlimit> => [
  ...["RLIMIT_NOFILE", "RLIMIT_NPROC"].flatMap((type) => {
    const hard = ceilings[type]
    return hard === undefined || given.some((limit) => limit.type === type) ? [] : [{ type, soft: hard, hard }]
  }),
  ...given,
]
