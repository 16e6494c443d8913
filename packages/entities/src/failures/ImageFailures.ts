/** What can stand in the way of an operation on an image. */
import * as Schema from "effect/Schema"
import { Failure } from "../Failure.ts"

/** No image in the local store answers to this name, id or digest. */
export class ImageNotFound extends Failure("ImageNotFound", { ref: Schema.String }, 404) {
  override get message() {
    return `${this.ref}: image not known`
  }
}

/** The beginning of an id fits several images. */
export class ImageAmbiguous extends Failure("ImageAmbiguous", { ref: Schema.String }, 409) {
  override get message() {
    return `${this.ref}: ambiguous image id, give more of it`
  }
}

const notWellFormed = "invalid reference format"

/** What a text was read for: to find an image, to give it a name or take one from it, to name what is built. */
const referenceWords = {
  find: (ref: string, problem: string) => `parsing reference ${JSON.stringify(ref)}: ${problem}`,
  tag: (ref: string, problem: string) => {
    const name = `normalizing name ${JSON.stringify(ref)}`
    return `${name}: ${name}: ${problem}`
  },
  untag: (ref: string, problem: string) => `normalizing name ${JSON.stringify(ref)}: ${problem}`,
  build: (ref: string, problem: string) =>
    `tag ${ref}: ${problem === notWellFormed ? problem : `${notWellFormed}: ${problem}`}`,
} as const

const referenceProblems = {
  form: notWellFormed,
  nothing: "repository name must have at least one component",
  uppercase: "repository name must be lowercase",
  length: "repository name must not be more than 255 characters",
  hexadecimal: "invalid repository name, cannot specify 64-byte hexadecimal strings",
  digest: "tag by digest not supported",
  path: "the transport needs a path",
} as const

export type ReferenceUse = keyof typeof referenceWords
type ReferenceProblem = keyof typeof referenceProblems

/** The text is no image reference, or none that can be a name. */
export class ReferenceInvalid extends Failure(
  "ReferenceInvalid",
  {
    ref: Schema.String,
    problem: Schema.Literals(
      Object.keys(referenceProblems) as unknown as readonly [ReferenceProblem, ...Array<ReferenceProblem>],
    ),
    use: Schema.Literals(Object.keys(referenceWords) as unknown as readonly [ReferenceUse, ...Array<ReferenceUse>]),
  },
  400,
) {
  override get message() {
    const problem = referenceProblems[this.problem]
    return this.problem === "digest" ? `${this.ref}: ${problem}` : referenceWords[this.use](this.ref, problem)
  }
}

/** A container still uses the image. */
export class ImageInUse extends Failure("ImageInUse", { id: Schema.String, container: Schema.String }, 409) {
  override get message() {
    return `image used by ${this.container}: image is in use by a container: consider listing external containers and force-removing image`
  }
}

/** The image has more names than the one asked about. */
export class ImageHasNames extends Failure(
  "ImageHasNames",
  { id: Schema.String, names: Schema.Array(Schema.String) },
  409,
) {
  override get message() {
    return `unable to delete image "${this.id}" by ID with more than one tag ([${this.names.join(" ")}]): please force removal`
  }
}

/** Bytes of an image are not what its documents say. */
export class ImageInvalid extends Failure("ImageInvalid", { ref: Schema.String, problem: Schema.String }, 500) {
  override get message() {
    return `image ${this.ref}: ${this.problem}`
  }
}

/** A registry, an archive or a directory could not be read or written. */
export class TransportFailed extends Failure(
  "TransportFailed",
  {
    operation: Schema.Literals(["pull", "push", "load", "save"]),
    ref: Schema.String,
    /** The transport tool's own last line. */
    detail: Schema.String,
  },
  500,
) {
  override get message() {
    const words = {
      pull: "initializing source",
      push: "writing to destination",
      load: "loading from",
      save: "saving to",
    }
    return `${words[this.operation]} ${this.ref}: ${this.detail}`
  }
}

/** An instruction of a Containerfile was refused or failed. */
export class BuildFailed extends Failure(
  "BuildFailed",
  {
    /** The builder's own last line. */
    detail: Schema.String,
    /** Of the program that failed, 125 where it was none. */
    exitStatus: Schema.Int,
  },
  500,
) {
  override get message() {
    return this.detail
  }
}

/** There is nothing to build: no Containerfile, or nothing in it. */
export class ContainerfileMissing extends Failure(
  "ContainerfileMissing",
  { path: Schema.String, reason: Schema.Literals(["named", "context", "empty"]) },
  400,
) {
  override get message() {
    const words = {
      named: `the specified Containerfile or Dockerfile does not exist, ${this.path}: no such file or directory`,
      context: `no Containerfile or Dockerfile specified or found in context directory, ${this.path}: no such file or directory`,
      empty: `no contents in ${JSON.stringify(this.path)}`,
    }
    return words[this.reason]
  }
}

/** A member of an archive or layer that must not be unpacked. */
export class MemberUnsafe extends Failure("MemberUnsafe", { member: Schema.String, problem: Schema.String }, 400) {
  override get message() {
    return `archive member ${JSON.stringify(this.member)} ${this.problem}`
  }
}

/** The archive ends early, or is no archive. */
export class ArchiveInvalid extends Failure("ArchiveInvalid", { archive: Schema.String, problem: Schema.String }, 400) {
  override get message() {
    return `${this.archive}: ${this.problem}`
  }
}
