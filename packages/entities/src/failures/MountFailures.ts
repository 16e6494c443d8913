/** What can be wrong with a mount that a container asks for; messages as Podman words them. */
import * as Schema from "effect/Schema"
import { Failure } from "../Failure.ts"

const quoted = (text: string) => JSON.stringify(text)

/** `value` is what was refused; `detail` what the rule is about. */
const problems = {
  volumeFormat: (value: string) => `${value}: incorrect volume format, should be [host-dir:]ctr-dir[:option]`,
  mountFormat: () =>
    "incorrect mount format: should be --mount type=<bind|glob|tmpfs|volume>,[src=<host-dir|volume-name>,]target=<ctr-dir>[,options]",
  record: (value: string, detail: string) => `${detail}: ${value}`,
  containerPath: (value: string) => `invalid container path ${quoted(value)}, must be an absolute path`,
  hostEmpty: () => "host directory cannot be empty",
  containerEmpty: () => "container directory cannot be empty",
  noDestination: () => "must set volume destination",
  destinationTwice: (value: string) => `${value}: duplicate mount destination`,
  replacement: (value: string) => `${value}: incorrect volume format, should be host-dir:ctr-dir or volume:ctr-dir`,
  nothingThere: (value: string) => `${value}: the checkpoint has no volume and no directory of a host mounted there`,
  twoInOne: (value: string) => `${value}: several volumes of the checkpoint cannot become one`,
  fromOption: (value: string) =>
    `invalid option ${quoted(value)} specified - volumes from another container can only use z,ro,rw options`,
  optionType: (value: string) => `invalid option type ${quoted(value)}`,
  optionsExclusive: (value: string, detail: string) =>
    `invalid options ${quoted(value)}, can only specify 1 ${detail} option`,
  mountOption: (value: string) => `unknown mount option ${quoted(value)}: invalid mount option`,
  mountWord: (value: string) => `${value}: invalid mount option`,
  argument: (value: string) => `${value}: must provide an argument for option`,
  repeated: (_: string, detail: string) => `cannot pass ${detail} more than once: must provide an argument for option`,
  exclusive: (_: string, detail: string) => `only one ${detail}: duplicate mount option passed`,
  notForType: (value: string, detail: string) =>
    `${quoted(value)} option not supported for ${quoted(detail)} mount types`,
  onlyTmpfs: (value: string) => `the '${value}' option is only allowed with tmpfs mounts: invalid mount option`,
  notTmpfs: (_: string, detail: string) =>
    `the ${detail} options are not allowed with tmpfs mounts: invalid mount option`,
  type: (value: string) => `invalid filesystem type ${quoted(value)}`,
  truth: (value: string) => `must be true or false: ${quoted(value)}`,
  relabel: () => "relabel mount option must be 'private' or 'shared': invalid mount option",
  volumeLabel: () => "the --volume-label option is not presently implemented",
  imageVolume: (value: string) => `invalid image volume mode ${quoted(value)} required value: anonymous, tmpfs, ignore`,
  unavailable: (value: string, detail: string) => `${detail} are not available here: ${value}`,
} as const

type MountProblem = keyof typeof problems

/** A mount that cannot be meant, or that asks for something nobody has. */
export class MountInvalid extends Failure(
  "MountInvalid",
  {
    problem: Schema.Literals(Object.keys(problems) as unknown as readonly [MountProblem, ...Array<MountProblem>]),
    value: Schema.String,
    detail: Schema.optionalKey(Schema.String),
  },
  400,
) {
  override get message() {
    return problems[this.problem](this.value, this.detail ?? "")
  }
}

/** The container whose volumes another one was to have is not there. */
export class VolumesOwnerMissing extends Failure("VolumesOwnerMissing", { ref: Schema.String }, 404) {
  override get message() {
    return `looking up container ${quoted(this.ref)} for volumes-from: no container with name or ID ${quoted(this.ref)} found: no such container`
  }
}

/** What is to be bound into a container is not there. */
export class BindSourceMissing extends Failure("BindSourceMissing", { source: Schema.String }, 500) {
  override get message() {
    return `statfs ${this.source}: no such file or directory`
  }
}
