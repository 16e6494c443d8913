/** From what a caller asks for and what the image says to a container in memory, and to what its programs find. */
import * as Effect from "effect/Effect"
import {
  type ContainerOptionInvalid,
  NameInvalid,
  OptionInvalid,
  SignalInvalid,
} from "../../failures/ContainerFailures.ts"
import type { ExecOptions } from "../../ContainerEngine.ts"
import type { CreateOptions } from "../../options/CreateOptions.ts"
import { capabilityName, capabilityNames } from "../../values/Capability.ts"
import { isContainerName } from "../../values/ContainerName.ts"
import { containerValues, restartRefusal } from "../../values/ContainerValues.ts"
import { healthCheckOf } from "../../values/HealthCheck.ts"
import { identityOf } from "../../values/Identity.ts"
import { signalNumber } from "../../values/Signal.ts"
import { type ReadonlyFiles, textOf } from "./Files.ts"
import type { MemoryConfig, MemoryContainer, MemoryHost, MemoryImage } from "./MemoryHost.ts"
import type { Machine } from "./Shell.ts"
import { memoryMounts } from "./MemoryMounts.ts"
import { memoryConnection } from "./MemoryNetworks.ts"
import { bridges, memoryNamespaces } from "./MemoryNamespaces.ts"
import { keyValues, splitPair } from "../../values/KeyValues.ts"

export const memoryConfig = Effect.fnUntraced(function* (
  host: MemoryHost,
  {
    id,
    createdAt,
    image,
    options,
  }: {
    readonly id: string
    readonly createdAt: string
    readonly image: MemoryImage
    readonly options: CreateOptions
  },
): Effect.fn.Return<
  MemoryConfig,
  | NameInvalid
  | OptionInvalid
  | ContainerOptionInvalid
  | SignalInvalid
  | Effect.Error<ReturnType<typeof memoryNamespaces>>
  | Effect.Error<ReturnType<typeof memoryMounts>>
  | Effect.Error<ReturnType<typeof memoryConnection>>
> {
  const { execution } = image
  const invalid = (option: string, value: string, problem: string) => new OptionInvalid({ option, value, problem })
  if (options.name !== "" && !isContainerName(options.name)) return yield* new NameInvalid({ name: options.name })
  const connection = yield* memoryConnection(options, bridges(options))
  const namespaces = yield* memoryNamespaces(host, options)
  const refusal = restartRefusal(options)
  if (refusal !== undefined) return yield* refusal
  const { restartPolicy, rlimits, shmSizeBytes } = yield* Effect.fromResult(containerValues(options))
  const stopSignal = signalNumber(options.stopSignal || (execution.StopSignal ?? "TERM"))
  if (stopSignal === undefined) return yield* new SignalInvalid({ signal: options.stopSignal })
  const entrypoint = options.entrypoint === "" ? (execution.Entrypoint ?? []) : entrypointOf(options.entrypoint)
  const command = options.command.length > 0 ? options.command : options.entrypoint === "" ? (execution.Cmd ?? []) : []
  if (entrypoint.length + command.length === 0) {
    return yield* invalid("entrypoint", "", "no command or entrypoint provided, and no CMD or ENTRYPOINT from image")
  }
  const health = healthCheckOf(options, undefined)
  if (typeof health === "string") return yield* invalid("health-cmd", options.healthCmd, health)
  const user = options.user || execution.User || ""
  // an unknown one is found out when the container starts
  const identity = identityIn(image.files, user)
  const hostname = options.hostname === "" ? id.slice(0, 12) : options.hostname
  return {
    createdAt,
    imageId: image.id,
    imageName: image.names[0] ?? "",
    rawImageName: options.image,
    runtime: options.runtime ?? host.runtime,
    entrypoint,
    command,
    env: variables([
      `PATH=${defaultPath}`,
      "container=podman",
      ...(options.tty ? ["TERM=xterm"] : []),
      `HOSTNAME=${hostname}`,
      ...(typeof identity === "string" ? [] : [`HOME=${identity.home}`]),
      ...(execution.Env ?? []),
      ...options.env.filter((text) => text.includes("=")),
    ]),
    workdir: options.workdir || execution.WorkingDir || "/",
    workdirRequired: options.workdir !== "",
    user,
    hostname,
    labels: { ...execution.Labels, ...keyValues(options.label) },
    annotations: keyValues(options.annotation),
    terminal: options.tty,
    openStdin: options.interactive,
    namespaces,
    connection,
    places: {},
    autoRemove: options.autoRemove,
    readOnly: options.readOnly,
    privileged: options.privileged,
    capAdd: options.capAdd,
    capDrop: options.capDrop,
    shmSizeBytes,
    rlimits,
    stopSignal,
    stopTimeoutSeconds: options.stopTimeout,
    restartPolicy,
    ...(health === undefined ? {} : { health }),
    createCommand: options.createCommand ?? [],
    mounts: yield* memoryMounts(host, options, image),
  }
})

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/** The last word on a name counts. */
const variables = (texts: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Map(texts.map((text) => [text.split("=")[0] ?? "", text])).values(),
]

const entrypointOf = (text: string): ReadonlyArray<string> =>
  text.startsWith("[") ? (JSON.parse(text) as ReadonlyArray<string>) : [text]

export const identityIn = (files: ReadonlyFiles, user: string) =>
  identityOf(user, textOf(files.get("/etc/passwd")) ?? "", textOf(files.get("/etc/group")) ?? "")

/** What programs of a container find around them; an exec session may want some of it otherwise. */
export const machineOf = (
  { config, files, mounts, shm }: Pick<MemoryContainer, "config" | "files" | "shm" | "mounts">,
  terminal: Machine["terminal"],
  session: Partial<Pick<ExecOptions, "env" | "workdir" | "user" | "privileged">> = {},
): Machine => {
  const identity = identityIn(files, session.user || config.user)
  const uid = typeof identity === "string" ? 0 : identity.uid
  const env = variables([...config.env, ...(session.env ?? []).filter((text) => text.includes("="))])
  return {
    files,
    shm,
    mounts,
    env: new Map(env.map(splitPair)),
    workdir: session.workdir || config.workdir,
    hostname: config.hostname,
    uid,
    capabilities:
      uid === 0
        ? capabilityMask(config, session.privileged === true)
        : // another user has none but those that its container was given by name
          capabilityMask({ capAdd: session.user ? [] : config.capAdd, capDrop: ["ALL"], privileged: false }, false),
    rlimits: config.rlimits,
    shmSizeBytes: config.shmSizeBytes,
    readOnly: config.readOnly,
    terminal,
  }
}

/** Podman's default capabilities (containers-common, `containers.conf` default_capabilities). */
const standard =
  "CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split(" ")

const capabilityMask = (
  { capAdd, capDrop, privileged }: Pick<MemoryConfig, "capAdd" | "capDrop" | "privileged">,
  all: boolean,
): bigint => {
  const named = (names: ReadonlyArray<string>) =>
    names.flatMap((name) => (capabilityName(name) === "ALL" ? capabilityNames : (capabilityName(name) ?? [])))
  const wanted = new Set(privileged || all ? capabilityNames : named(standard))
  for (const name of named(capDrop)) wanted.delete(name)
  for (const name of named(capAdd)) wanted.add(name)
  return capabilityNames.reduce((mask, name, bit) => (wanted.has(name) ? mask | (1n << BigInt(bit)) : mask), 0n)
}
