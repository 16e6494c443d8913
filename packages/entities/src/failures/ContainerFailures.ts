/**
 * What can stand in the way of an operation on a container.
 *
 * Messages are computed from the fields and equal libpod's where libpod has one, because scripts match them.
 * `httpApiStatus` is the status libpod's REST API gives the same failure.
 */
import * as Schema from "effect/Schema"
import { Failure } from "../Failure.ts"

/** No container has this name or this (unambiguous) beginning of an id. */
export class ContainerNotFound extends Failure("ContainerNotFound", { ref: Schema.String }, 404) {
  override get message() {
    return this.ref === ""
      ? "name or ID cannot be empty"
      : `no container with name or ID "${this.ref}" found: no such container`
  }
}

/** The beginning of an id fits several containers. */
export class ContainerAmbiguous extends Failure("ContainerAmbiguous", { ref: Schema.String }, 500) {
  override get message() {
    return `more than one result for container name or ID ${this.ref}: container already exists`
  }
}

/** There is no container at all that a `--latest` could mean. */
export class NoContainers extends Failure("NoContainers", {}, 404) {
  override get message() {
    return "no such container"
  }
}

/** The name belongs to another container. */
export class NameInUse extends Failure("NameInUse", { name: Schema.String, id: Schema.String }, 409) {
  override get message() {
    return `creating container storage: the container name "${this.name}" is already in use by ${this.id}. You have to remove that container to be able to reuse that name: that name is already in use, or use --replace to instruct cryopod to do so.`
  }
}

/** The id of a checkpoint belongs to a container that exists. */
export class ContainerIdInUse extends Failure("ContainerIdInUse", { id: Schema.String, name: Schema.String }, 409) {
  override get message() {
    return `creating container storage: that ID is already in use: the checkpointed container ${this.id} still exists as "${this.name}": remove it, or restore under a new name`
  }
}

/** The name is not one a container may have. */
export class NameInvalid extends Failure("NameInvalid", { name: Schema.String }, 400) {
  override get message() {
    return `names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument`
  }
}

/** The operations whose refusals libpod words differently. */
const stateWords = {
  start: (id: string) =>
    `unable to start container "${id}": container ${id} must be in Created or Stopped state to be started`,
  stop: (id: string, state: string) => `can only stop created or running containers. ${id} is in state ${state}`,
  kill: (id: string, state: string) => `can only kill running containers. ${id} is in state ${state}`,
  pause: (id: string, state: string) =>
    state === "paused" ? `"${id}" is already paused` : `"${state}" is not running, can't pause`,
  unpause: (id: string) => `"${id}" is not paused, can't unpause`,
  exec: () => "can only create exec sessions on running containers",
  checkpoint: (_id: string, state: string) => `"${state}" is not running, cannot checkpoint`,
  restore: (id: string) => `container ${id} is running or paused, cannot restore`,
  top: () => "top can only be used on running containers",
  attach: () => "can only attach to created or running containers",
  remove: (id: string, state: string) =>
    `cannot remove container ${id} as it is ${state} - running or paused containers cannot be removed without force`,
} as const

/** The container is not in a state that allows the operation. */
export class ContainerStateImproper extends Failure(
  "ContainerStateImproper",
  {
    id: Schema.String,
    state: Schema.String,
    operation: Schema.Literals([
      "start",
      "stop",
      "kill",
      "pause",
      "unpause",
      "exec",
      "checkpoint",
      "restore",
      "top",
      "attach",
      "remove",
    ]),
  },
  500,
) {
  override get message() {
    const words = stateWords[this.operation](this.id, this.state)
    return this.operation === "top" ? words : `${words}: container state improper`
  }
}

/** The program a container or an exec session was to run could not be started. */
export class CommandNotStarted extends Failure(
  "CommandNotStarted",
  {
    id: Schema.String,
    runtime: Schema.String,
    /** The runtime's own last line. */
    detail: Schema.String,
  },
  500,
) {
  override get message() {
    const said = `${this.runtime}: ${this.detail}`
    switch (this.exitStatus) {
      case 125:
        return `OCI runtime error: ${said}`
      case 126:
        return `${said}: OCI permission denied`
      case 127:
        return `${said}: OCI runtime attempted to invoke a command that was not found`
    }
  }

  /** The exit status shells give the same situation, and Podman after them. */
  get exitStatus(): 125 | 126 | 127 {
    if (/no such file or directory|not found/i.test(this.detail)) return 127
    return /permission denied|operation not permitted|is a directory|exec format/i.test(this.detail) ? 126 : 125
  }
}

/** The root filesystem of a container does not know its user, or that of an exec session. */
export class UserUnknown extends Failure(
  "UserUnknown",
  {
    user: Schema.String,
    /** In the words of whoever looked it up. */
    problem: Schema.String,
  },
  500,
) {
  override get message() {
    return this.problem
  }
}

const workdirWords = {
  missing: (path: string, id: string) => `workdir ${JSON.stringify(path)} does not exist on container ${id}`,
  notDirectory: (path: string, id: string) =>
    `workdir ${JSON.stringify(path)} exists on container ${id}, but is not a directory`,
} as const

/** A container cannot begin where it was told to. */
export class WorkdirUnfit extends Failure(
  "WorkdirUnfit",
  { id: Schema.String, path: Schema.String, problem: Schema.Literals(["missing", "notDirectory"]) },
  500,
) {
  override get message() {
    return workdirWords[this.problem](this.path, this.id)
  }
}

/** A container that cannot be asked whether it is well. */
export class HealthcheckRefused extends Failure(
  "HealthcheckRefused",
  { id: Schema.String, reason: Schema.Literals(["is not running", "has no defined healthcheck"]) },
  409,
) {
  override get message() {
    return `container ${this.id} ${this.reason}`
  }
}

/** A signal name or number nobody knows. */
export class SignalInvalid extends Failure("SignalInvalid", { signal: Schema.String }, 400) {
  override get message() {
    return /^[1-9]\d*$/.test(this.signal) ? "valid signals are 1 through 64" : `invalid signal: ${this.signal}`
  }
}

/** A value of an option does not fit: the option, the value, and what would. */
export class OptionInvalid extends Failure(
  "OptionInvalid",
  { option: Schema.String, value: Schema.String, problem: Schema.String },
  400,
) {
  override get message() {
    return `invalid value ${JSON.stringify(this.value)} for --${this.option}: ${this.problem}`
  }
}

const optionWords = {
  label: (value: string) => `unable to process labels: invalid label format: ${JSON.stringify(value)}`,
  restart: (_value: string, detail: string) => detail,
  capability: (value: string) => `${JSON.stringify(value)}: unknown capability`,
  shmSize: (value: string) => `unable to translate --shm-size: invalid size: '${value}'`,
  ulimit: (value: string, detail: string) =>
    `ulimit option ${JSON.stringify(value)} requires name=SOFT:HARD, failed to be parsed: ${detail}`,
} as const

type OptionProblem = keyof typeof optionWords

/** What a container asks for cannot be meant. */
export class ContainerOptionInvalid extends Failure(
  "ContainerOptionInvalid",
  {
    problem: Schema.Literals(Object.keys(optionWords) as unknown as readonly [OptionProblem, ...Array<OptionProblem>]),
    value: Schema.String,
    /** Where the value can be wrong in several ways. */
    detail: Schema.optionalKey(Schema.String),
  },
  400,
) {
  override get message() {
    return optionWords[this.problem](this.value, this.detail ?? "")
  }
}

const filterWords = {
  form: (text: string) => `invalid filter ${JSON.stringify(text)}`,
  key: (text: string) => `${text} is an invalid filter`,
  state: (text: string) => `unknown container state: ${text}: invalid argument`,
  instant: (text: string) => `failed to parse value as time or duration: ${JSON.stringify(text)}`,
  exitCode: (text: string) =>
    `exited code out of range '\\x00': strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`,
} as const

/** A filter over containers that nobody knows, or a value that it cannot have. */
export class FilterInvalid extends Failure(
  "FilterInvalid",
  { problem: Schema.Literals(["form", "key", "state", "exitCode", "instant"]), text: Schema.String },
  500,
) {
  override get message() {
    return filterWords[this.problem](this.text)
  }
}
