/** What can stand in the way of an operation on a volume; messages as libpod words them. */
import * as Schema from "effect/Schema"
import { Failure } from "../Failure.ts"

/** No volume has this name, or a name that begins so. */
export class VolumeNotFound extends Failure("VolumeNotFound", { ref: Schema.String }, 404) {
  override get message() {
    return this.ref === "" ? "name or ID cannot be empty" : `no volume with name "${this.ref}" found: no such volume`
  }
}

/** Several volumes have names that begin so. */
export class VolumeAmbiguous extends Failure("VolumeAmbiguous", { ref: Schema.String }, 500) {
  override get message() {
    return `more than one result for volume name ${this.ref}: volume already exists`
  }
}

/** The name belongs to another volume. */
export class VolumeExists extends Failure("VolumeExists", { name: Schema.String }, 500) {
  override get message() {
    return `volume with name ${this.name} already exists: volume already exists`
  }
}

/** The content of a checkpoint would go over that of a volume. */
export class VolumeRestoreRefused extends Failure("VolumeRestoreRefused", { name: Schema.String }, 500) {
  override get message() {
    return `volume with name ${this.name} already exists. Use --ignore-volumes to not restore content of volumes`
  }
}

/** The name is not one a volume may have. */
export class VolumeNameInvalid extends Failure(
  "VolumeNameInvalid",
  {
    name: Schema.String,
    /** `create` when a volume was asked for by itself, `mount` when a container asks for it. */
    operation: Schema.Literals(["create", "mount"]),
  },
  500,
) {
  override get message() {
    const mounting = this.operation === "mount" ? `creating named volume "${this.name}": ` : ""
    return `${mounting}running volume create option: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument`
  }
}

/** Containers still use the volume. */
export class VolumeInUse extends Failure(
  "VolumeInUse",
  { name: Schema.String, containers: Schema.Array(Schema.String) },
  409,
) {
  override get message() {
    return `volume ${this.name} is being used by the following container(s): ${this.containers.join(", ")}: volume is being used`
  }
}

const driverProblems = {
  driver: (name: string, value: string) =>
    `volume ${name} uses volume plugin ${value} but it could not be retrieved: no volume plugin with name ${value} available: required plugin missing`,
  key: (_: string, value: string) => `invalid mount option ${value} for driver 'local': invalid argument`,
  device: (_: string, value: string) =>
    `invalid volume option device for driver 'local': faccessat ${value}: no such file or directory`,
  uid: (_: string, value: string) => `cannot convert UID ${value} to integer: invalid syntax`,
  gid: (_: string, value: string) => `cannot convert GID ${value} to integer: invalid syntax`,
  quota: () => "volume options size and inodes not supported. Filesystem does not support Project Quota",
} as const

/** The driver, or what it was told, is not to be had. */
export class VolumeOptionInvalid extends Failure(
  "VolumeOptionInvalid",
  {
    name: Schema.String,
    problem: Schema.Literals(
      Object.keys(driverProblems) as unknown as readonly [
        keyof typeof driverProblems,
        ...Array<keyof typeof driverProblems>,
      ],
    ),
    value: Schema.String,
  },
  500,
) {
  override get message() {
    return driverProblems[this.problem](this.name, this.value)
  }
}

/** The file system that a volume's options ask for could not be mounted. */
export class VolumeMountFailed extends Failure(
  "VolumeMountFailed",
  { name: Schema.String, detail: Schema.String },
  500,
) {
  override get message() {
    return `mounting volume ${this.name}: ${this.detail}`
  }
}

const filterProblems = {
  form: (filter: string) => `filter input must be in the form of filter=value: ${filter} is invalid`,
  key: (filter: string) => `"${filter}" is an invalid volume filter`,
  dangling: (filter: string) => `"${filter}" is not a valid value for the "dangling" filter - must be true or false`,
  until: (filter: string) => `"${filter}" is no duration and no time`,
  pattern: (filter: string) => `"${filter}" is no regular expression`,
} as const

/** A filter nobody knows, or with a value it cannot have. */
export class VolumeFilterInvalid extends Failure(
  "VolumeFilterInvalid",
  {
    problem: Schema.Literals(
      Object.keys(filterProblems) as unknown as readonly [
        keyof typeof filterProblems,
        ...Array<keyof typeof filterProblems>,
      ],
    ),
    value: Schema.String,
  },
  500,
) {
  override get message() {
    return filterProblems[this.problem](this.value)
  }
}
