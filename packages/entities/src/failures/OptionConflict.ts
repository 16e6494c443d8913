/**
 * Options that do not go together, in Podman's exact words.
 *
 * The rules live where flat flags or query parameters are decoded into the unions of `options/`; command line, REST
 * and library refuse alike.
 */
import * as Schema from "effect/Schema"
import { Failure } from "../Failure.ts"
import { forcibleAspects } from "../values/CheckAspect.ts"

/** `VALUE` stands for the value that was refused. */
const rules = {
  selectionBoth: "--all or --latest and containers cannot be used together",
  selectionAllLatest: "--all and --latest cannot be used together",
  selectionNone: "you must provide at least one name or id",
  compressWithoutExport: "--compress can only be used with --export",
  compressUnknown: "selected compression algorithm (VALUE) not supported. Please select one from: gzip, none, zstd",
  ignoreRootfsWithoutExport: "--ignore-rootfs can only be used with --export",
  ignoreVolumesWithoutExport: "--ignore-volumes can only be used with --export",
  exportAndImage: "--export and --create-image cannot be used together",
  createImageEmpty: "--create-image needs the name of an image",
  previousWithPre: "--with-previous can not be used with --pre-checkpoint",
  imageOfPreCheckpoint:
    "--create-image can not be used with --pre-checkpoint: an image of memory alone cannot be restored",
  linkRemapWithLeaveRunning:
    "--link-remap cannot be used with --leave-running: what CRIU puts into the root file-system for it is gone when the container runs on",
  ghostLimitInvalid: "--ghost-limit does not know VALUE, give a size from 0 to 4294967295 bytes, as 512k, 10m or 1g",
  networkLockUnknown: "--network-lock does not know VALUE, give iptables, nftables or skip",
  importPreviousWithoutImage: "--import-previous can only be used with image or --import",
  ignoreRootfsWithoutImage: "--ignore-rootfs can only be used with image or --import",
  ignoreVolumesWithoutImage: "--ignore-volumes can only be used with image or --import",
  nameWithoutImage: "--name can only be used with image or --import",
  podWithoutImage: "--pod can only be used with image or --import",
  publishWithoutImage: "--publish can only be used with image or --import",
  volumeWithoutImage: "--volume can only be used with image or --import",
  importWithSelection: "cannot use --import with --all or --latest",
  importWithNames: "cannot use --import with positional arguments",
  nameWithSeveral: "--name can only be used with one checkpoint image",
  tcpEstablishedWithName: "--tcp-established cannot be used with --name",
  tcpBoth: "--tcp-established and --tcp-close cannot be used together",
  forceUnknown: `--force does not know VALUE, give ${forcibleAspects.join(", ")}`,
  policyInvalid: "--policy is no policy: VALUE",
  podNameTwice: "cannot specify --name and NAME at the same time",
  podInfraName: "NoInfra and InfraName are mutually exclusive pod options: invalid pod spec",
  podInfraImage: "NoInfra and InfraImage are mutually exclusive pod options: invalid pod spec",
  podInfraCommand: "NoInfra and InfraCommand are mutually exclusive pod options: invalid pod spec",
  podNetworkWithoutInfra: "NoInfra and network modes cannot be used together",
  podCgroupParent:
    "cannot define the pod as the cgroup parent at the same time as joining the infra container's cgroupNS: invalid argument",
  podReplaceWithoutName: "cannot replace pod without --name being set",
  podTimeWithoutForce: "--force option must be specified to use the --time option",
  podQuietAndFormat: "quiet and format cannot be used together",
  tailNegative: "--tail needs a number of lines, or -1 for all of them",
} as const

export type OptionRule = keyof typeof rules

/** A combination of options that Podman refuses too. */
export class OptionConflict extends Failure(
  "OptionConflict",
  {
    rule: Schema.Literals(Object.keys(rules) as unknown as readonly [OptionRule, ...Array<OptionRule>]),
    /** The value that was refused, where the rule is about one. */
    value: Schema.optionalKey(Schema.String),
  },
  400,
) {
  override get message() {
    return rules[this.rule].replace("VALUE", JSON.stringify(this.value ?? ""))
  }
}
