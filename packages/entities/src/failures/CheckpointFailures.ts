/** What can stand in the way of a checkpoint or a restore. */
import * as Schema from "effect/Schema"
import { Failure } from "../Failure.ts"
import { CheckFinding } from "../reports/CheckpointCheck.ts"

/** CRIU or the runtime could not dump the container; it runs on. */
export class DumpFailed extends Failure(
  "DumpFailed",
  {
    id: Schema.String,
    runtime: Schema.String,
    exitCode: Schema.Int,
    /** The telling error line of CRIU's log, or the runtime's own when CRIU was not reached. */
    errorLine: Schema.String,
    logFile: Schema.String,
    /** What the caller can do about it, when the log says enough. */
    remedy: Schema.optionalKey(Schema.String),
  },
  500,
) {
  override get message() {
    const remedy = this.remedy === undefined ? "" : ` (${this.remedy})`
    return `\`${this.runtime} checkpoint ${this.id}\` failed: exit status ${this.exitCode}: ${this.errorLine}${remedy}, see ${this.logFile}`
  }
}

/** CRIU or the runtime could not bring the processes back; nothing of the attempt is left. */
export class RestoreFailed extends Failure(
  "RestoreFailed",
  {
    id: Schema.String,
    runtime: Schema.String,
    /** The runtime's own words, on which scripts rely. */
    runtimeError: Schema.String,
    /** The telling error line of CRIU's log; empty when CRIU was not reached. */
    errorLine: Schema.String,
    logFile: Schema.String,
    remedy: Schema.optionalKey(Schema.String),
  },
  500,
) {
  override get message() {
    const criu = this.errorLine === "" ? "" : `: ${this.errorLine}`
    const remedy = this.remedy === undefined ? "" : ` (${this.remedy})`
    // scripts look for the words of the crun that Podman 5.4 comes with; later ones write the number otherwise
    const crun = /^CRIU restoring failed:? (-\d+)/.exec(this.runtimeError)
    return crun === null
      ? `OCI runtime error: ${this.runtime}: ${this.runtimeError}${criu}${remedy}, see ${this.logFile}`
      : `OCI runtime error: ${this.runtime}: CRIU restoring failed ${crun[1]}. Please check CRIU logfile \`${this.logFile}\`${criu}${remedy}`
  }
}

/** What became of a container whose checkpoint could not be completed. */
const Aftermath = Schema.Literals(["running", "restorable"])

/** The dump was made, but the checkpoint could not be completed from it. */
export class CheckpointAborted extends Failure(
  "CheckpointAborted",
  {
    id: Schema.String,
    step: Schema.Literals(["collect", "commit", "settle"]),
    /** The failure of that step, in its own words. */
    reason: Schema.String,
    container: Aftermath,
    /** Why a container that is restorable could not be made to run on. */
    obstacle: Schema.optionalKey(Schema.String),
  },
  500,
) {
  override get message() {
    const obstacle = this.obstacle === undefined ? "" : ` (${this.obstacle})`
    const outcome = {
      running: "the container runs on",
      restorable: `the container is stopped${obstacle}; \`restore\` brings it back where it left off`,
    }
    return `checkpoint of ${this.id} not completed: ${this.step}: ${this.reason}; ${outcome[this.container]}`
  }
}

/** A container without a checkpoint of its own. */
export class CheckpointMissing extends Failure(
  "CheckpointMissing",
  {
    id: Schema.String,
    /** Where one would begin. */
    path: Schema.String,
  },
  500,
) {
  override get message() {
    return `a complete checkpoint for this container cannot be found, cannot restore: faccessat ${this.path}: no such file or directory`
  }
}

/** A process of the container is stopped, and CRIU would wait for it for ever. */
export class ProcessStopped extends Failure(
  "ProcessStopped",
  {
    id: Schema.String,
    /** As the host numbers it. */
    pid: Schema.Int,
    program: Schema.String,
  },
  409,
) {
  override get message() {
    return `process ${this.pid} (${this.program}) of container ${this.id} is stopped, and this host's cgroups cannot freeze it: let it go on (kill -CONT ${this.pid}) or end it`
  }
}

/** A checkpoint has file locks that were not asked for: CRIU would leave them out, and programs rely on them. */
export class FileLocksRefused extends Failure("FileLocksRefused", { id: Schema.String }, 500) {
  override get message() {
    return `the checkpoint of ${this.id} has file locks, which would be lost: have file locks restored`
  }
}

/** An image without a checkpoint in it. */
export class NotACheckpoint extends Failure("NotACheckpoint", { id: Schema.String }, 500) {
  override get message() {
    return `image is not a checkpoint: ${this.id}`
  }
}

/** Neither a container nor an image answers to this name. */
export class NoSuchContainerOrImage extends Failure("NoSuchContainerOrImage", { ref: Schema.String }, 404) {
  override get message() {
    return this.ref === "" ? "name or ID cannot be empty" : `no such container or image: ${this.ref}`
  }
}

/** The checkpoint was made with another runtime than the one that is to restore it. */
export class RuntimeMismatch extends Failure(
  "RuntimeMismatch",
  {
    kind: Schema.Literals(["archive", "image"]),
    source: Schema.String,
    required: Schema.String,
    given: Schema.String,
  },
  500,
) {
  override get message() {
    return this.kind === "archive"
      ? `checkpoint archive ${this.source} was created with runtime '${this.required}' and cannot be restored with runtime '${this.given}'`
      : `container image "${this.source}" requires runtime: "${this.required}" and cannot be restored with runtime "${this.given}"`
  }
}

/** The checkpoint was made for another processor architecture. */
export class ArchitectureMismatch extends Failure(
  "ArchitectureMismatch",
  { source: Schema.String, required: Schema.String, found: Schema.String },
  500,
) {
  override get message() {
    return `checkpoint ${this.source} was made on ${this.required} and cannot be restored on ${this.found}`
  }
}

/** The root filesystem that the checkpoint builds on is not to be had. */
export class BaseImageMissing extends Failure(
  "BaseImageMissing",
  { name: Schema.String, id: Schema.String, problem: Schema.String },
  500,
) {
  override get message() {
    return `base image ${this.name} (${this.id.slice(0, 12)}) of the checkpoint: ${this.problem}`
  }
}

/** The contents of a checkpoint are not complete or not readable. */
export class CheckpointInvalid extends Failure(
  "CheckpointInvalid",
  { source: Schema.String, member: Schema.String, problem: Schema.String },
  400,
) {
  override get message() {
    return `checkpoint ${this.source}: ${this.member}: ${this.problem}`
  }
}

/** One thing that a stranger's checkpoint would give its processes, and that the policy does not. */
export const PolicyDifference = Schema.Struct({
  /** Who or what would have it: `process 1 (sh)`, `configuration`. */
  subject: Schema.String,
  /** What it would have. */
  finding: Schema.String,
  /** Why that is not given away. */
  reason: Schema.String,
  /** What the policy would have to say. */
  remedy: Schema.String,
})
export type PolicyDifference = typeof PolicyDifference.Type

/** A checkpoint that was not made here asks for more than the policy gives; nothing was changed, no process exists. */
export class RestoreRefused extends Failure(
  "RestoreRefused",
  { source: Schema.String, differences: Schema.Array(PolicyDifference) },
  403,
) {
  override get message() {
    const lines = this.differences.map(
      ({ finding, reason, remedy, subject }) => `\n  ${subject}: ${finding}: ${reason}\n    → ${remedy}`,
    )
    return `checkpoint ${this.source} was not made here and asks for more than the policy allows, nothing was restored:${lines.join("")}`
  }
}

/** The file with this host's policies cannot be understood; nothing is restored by half of it. */
export class PolicyFileInvalid extends Failure(
  "PolicyFileInvalid",
  { path: Schema.String, problem: Schema.String },
  500,
) {
  override get message() {
    return `policy file ${this.path}: ${this.problem}`
  }
}

/** The host is not one that the checkpoint can be restored on; nothing was changed. */
export class HostUnfit extends Failure(
  "HostUnfit",
  { source: Schema.String, findings: Schema.Array(CheckFinding) },
  409,
) {
  override get message() {
    const lines = this.findings.map(({ aspect, problem, remedy }) => `\n  ${aspect}: ${problem}\n    → ${remedy}`)
    return `checkpoint ${this.source} would not thaw here, nothing was restored:${lines.join("")}`
  }
}

/** The checkpoint has no such process. */
export class ProcessNotFound extends Failure("ProcessNotFound", { source: Schema.String, pid: Schema.Int }, 404) {
  override get message() {
    return `checkpoint ${this.source} has no process ${this.pid}`
  }
}

/** Several containers would write the same image. */
export class TargetShared extends Failure(
  "TargetShared",
  { target: Schema.String, containers: Schema.Array(Schema.String) },
  400,
) {
  override get message() {
    return `${this.containers.length} containers cannot be checkpointed into one target ${this.target}: give one container at a time`
  }
}

/** An in-place checkpoint of a container that is removed when it stops. */
export class AutoRemoveRefused extends Failure("AutoRemoveRefused", { id: Schema.String }, 500) {
  override get message() {
    return `cannot checkpoint containers that have been started with '--rm' unless '--export' or '--create-image' is used`
  }
}

/** CRIU on this machine cannot serve: not there, too old for the kernel, or without a feature. */
export class CriuUnfit extends Failure("CriuUnfit", { problem: Schema.String, remedy: Schema.String }, 500) {
  override get message() {
    return `${this.problem}: ${this.remedy}`
  }
}

/** The second round of a checkpoint builds on the first. */
export class PreCheckpointMissing extends Failure("PreCheckpointMissing", { id: Schema.String }, 500) {
  override get message() {
    return `container ${this.id} has no pre-checkpoint to build on: make one with --pre-checkpoint first`
  }
}

/** Checkpoints in several rounds need a kernel that tells which memory was written to. */
export class MemoryTrackingMissing extends Failure("MemoryTrackingMissing", {}, 500) {
  override get message() {
    return "system (architecture/kernel/CRIU) does not support memory tracking"
  }
}
