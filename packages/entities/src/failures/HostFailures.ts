/** What this machine can refuse: tools, storage, privileges. */
import * as Schema from "effect/Schema"
import { Failure } from "../Failure.ts"

/** The operation needs a privilege that the process has not. */
export class PrivilegeMissing extends Failure(
  "PrivilegeMissing",
  { operation: Schema.Literals(["checkpoint", "restore", "run"]) },
  500,
) {
  override get message() {
    const words = {
      checkpoint: "checkpointing a container requires root",
      restore: "restoring a container requires root",
      run: "running a container requires root",
    }
    return words[this.operation]
  }
}

/** A program that the operation drives is not on this machine. */
export class ToolMissing extends Failure(
  "ToolMissing",
  { tool: Schema.String, searched: Schema.Array(Schema.String), remedy: Schema.String },
  500,
) {
  override get message() {
    return `${this.tool} not found in ${this.searched.join(":")}: ${this.remedy}`
  }
}

/** No OCI runtime has this name for the engine. Podman's text (containers/common `pkg/config`). */
export class RuntimeUnknown extends Failure("RuntimeUnknown", { name: Schema.String }, 400) {
  override get message() {
    return `default OCI runtime ${JSON.stringify(this.name)} not found: invalid argument`
  }
}

/** A program that the operation drives failed in a way nobody expected of it. */
export class ToolFailed extends Failure(
  "ToolFailed",
  {
    tool: Schema.String,
    arguments: Schema.Array(Schema.String),
    /** Exit status; 128 and the signal's number for one that was killed. */
    exitCode: Schema.Int,
    /** The last lines of its standard error. */
    detail: Schema.String,
  },
  500,
) {
  override get message() {
    const detail = this.detail === "" ? "" : `: ${this.detail}`
    return `${this.tool} ${this.arguments[0] ?? ""} failed: exit status ${this.exitCode}${detail}`
  }
}

/** A file or directory could not be read or written. */
export class StorageFailed extends Failure(
  "StorageFailed",
  {
    /** What was attempted, as a verb and a noun: `write manifest`. */
    operation: Schema.String,
    path: Schema.String,
    /** `errno` name, e.g. `ENOSPC`. */
    code: Schema.String,
  },
  500,
) {
  override get message() {
    return `${this.operation} ${this.path}: ${errnoWords[this.code] ?? this.code}`
  }
}

const errnoWords: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on device",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ENOENT: "no such file or directory",
  EROFS: "read-only file system",
  ENOTDIR: "not a directory",
  EEXIST: "file exists",
  EISDIR: "is a directory",
  EBUSY: "device or resource busy",
  EINVAL: "invalid argument",
  ENXIO: "no such device or address",
  EPIPE: "broken pipe",
  EFBIG: "file too large",
  EDQUOT: "disk quota exceeded",
  ECONNABORTED: "the connection was broken off",
}

/** What is about to be written would not fit. */
export class SpaceMissing extends Failure(
  "SpaceMissing",
  { path: Schema.String, neededBytes: Schema.Int, availableBytes: Schema.Int },
  500,
) {
  override get message() {
    const mib = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`
    return `no space for the checkpoint in ${this.path}: about ${mib(this.neededBytes)} needed, ${mib(this.availableBytes)} free`
  }
}

/** The state database could not be read or written. */
export class DatabaseFailed extends Failure("DatabaseFailed", { path: Schema.String, detail: Schema.String }, 500) {
  override get message() {
    return `state database ${this.path}: ${this.detail}`
  }
}
