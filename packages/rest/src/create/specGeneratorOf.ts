/** The options of `create` as a SpecGenerator; `createOptions.ts` is the way back. */
import {
  type ContainerOptionInvalid,
  containerValues,
  type CreateOptions,
  healthCheckOf,
  healthConfigOf,
  keyValues,
  type MountInvalid,
  type NetworkOptionInvalid,
  OptionInvalid,
  SignalInvalid,
  signalNumber,
} from "@cryopod/entities"
import * as Result from "effect/Result"
import { mountSpecOf } from "./mounts.ts"
import { specNamespace } from "./namespaces.ts"
import { networkSpecOf } from "./networks.ts"
import type { SpecGenerator } from "./SpecGenerator.ts"

/** For a service of our own: nothing but the options as they are. */
export const ownSpec = (options: CreateOptions): SpecGenerator => ({ cryopod: options })

/** For Podman's service. Values that no SpecGenerator can say are refused, as the engine would refuse them. */
export const specGeneratorOf = (
  options: CreateOptions,
): Result.Result<
  SpecGenerator,
  OptionInvalid | ContainerOptionInvalid | SignalInvalid | NetworkOptionInvalid | MountInvalid
> =>
  Result.gen(function* () {
    const mounts = yield* mountSpecOf(options)
    const health = healthCheckOf(options, undefined)
    if (typeof health === "string") {
      return yield* Result.fail(new OptionInvalid({ option: "health-cmd", value: options.healthCmd, problem: health }))
    }
    const networks = yield* networkSpecOf(options)
    const { restartPolicy: restart, rlimits, shmSizeBytes } = yield* containerValues(options)
    const stopSignal = yield* stopSignalOf(options.stopSignal)
    return {
      name: options.name,
      image: options.image,
      raw_image_name: options.image,
      command: options.command,
      ...(options.createCommand === undefined ? {} : { containerCreateCommand: options.createCommand }),
      ...(options.entrypoint === "" ? {} : { entrypoint: entrypointOf(options.entrypoint) }),
      env: keyValues(options.env),
      labels: keyValues(options.label),
      annotations: keyValues(options.annotation),
      terminal: options.tty,
      stdin: options.interactive,
      remove: options.autoRemove,
      ...(stopSignal === undefined ? {} : { stop_signal: stopSignal }),
      stop_timeout: options.stopTimeout,
      ...(options.restart === "" ? {} : { restart_policy: restart.name }),
      ...(restart.retries === 0 ? {} : { restart_tries: restart.retries }),
      ...(options.noHealthcheck || /^none$/i.test(options.healthCmd) ? { healthconfig: { Test: ["NONE"] } } : {}),
      ...(health === undefined ? {} : { healthconfig: healthConfigOf(health) }),
      hostname: options.hostname,
      user: options.user,
      work_dir: options.workdir,
      privileged: options.privileged,
      read_only_filesystem: options.readOnly,
      read_write_tmpfs: options.readOnlyTmpfs,
      image_volume_mode: options.imageVolume,
      cap_add: options.capAdd,
      cap_drop: options.capDrop,
      shm_size: shmSizeBytes,
      // libpod puts the prefix in front itself
      r_limits: rlimits.map((limit) => ({ ...limit, type: limit.type.replace(/^RLIMIT_/, "") })),
      ...mounts,
      ...networks,
      publish_image_ports: options.publishAll,
      pidns: specNamespace(options.pid),
      ipcns: specNamespace(options.ipc),
      utsns: specNamespace(options.uts),
      ...(options.pod === "" ? {} : { pod: options.pod }),
    }
  })

const stopSignalOf = (text: string): Result.Result<number | undefined, SignalInvalid> => {
  const number = text === "" ? undefined : signalNumber(text)
  return text !== "" && number === undefined ? Result.fail(new SignalInvalid({ signal: text })) : Result.succeed(number)
}

/** A JSON list of words, or one word. */
const entrypointOf = (text: string): ReadonlyArray<string> => {
  if (!text.startsWith("[")) return [text]
  try {
    const words: unknown = JSON.parse(text)
    return Array.isArray(words) && words.every((word) => typeof word === "string") ? words : [text]
  } catch {
    return [text]
  }
}
