/** Options of `container restore`; see `CheckpointOptions` for how flat flags become a request. */
import * as Result from "effect/Result"
import { OptionConflict } from "../failures/OptionConflict.ts"
import type { ArchiveSource } from "../ImageEngine.ts"
import { bool, type OptionValues, text, texts } from "../Option.ts"
import { type ContainerSelection, selectionOf } from "../Selection.ts"
import { type ForcibleAspect, forcibleAspects } from "../values/CheckAspect.ts"
import { criuBothFields, type CriuRestoreOptions, defaultCriuRestore } from "./CriuOptions.ts"
import type { RuntimeName } from "../values/RuntimeName.ts"
import { type RestorePolicyChoice, restorePolicyOf } from "../values/RestorePolicy.ts"

export const RestoreFlags = {
  all: bool({ cli: "all", short: "a", description: "Restore all checkpointed containers" }),
  latest: bool({ cli: "latest", short: "l", description: "Act on the latest container" }),
  import: text({
    cli: "import",
    short: "i",
    description: "Restore from exported checkpoint archive (tar.zst, tar.gz or tar)",
    valueName: "string",
  }),
  importPrevious: text({
    cli: "import-previous",
    description: "Restore from exported pre-checkpoint archive (tar.zst, tar.gz or tar)",
    valueName: "string",
  }),
  name: text({
    cli: "name",
    short: "n",
    description: "Specify new name for container restored from exported checkpoint (only works with image or --import)",
  }),
  pod: text({
    cli: "pod",
    description: "Restore container into existing Pod (only works with image or --import)",
    valueName: "string",
  }),
  publish: texts({
    cli: "publish",
    short: "p",
    rest: "publishPorts",
    description: "Publish a container's port, or a range of ports, to the host",
  }),
  volume: texts({
    cli: "volume",
    short: "v",
    description:
      "Mount a volume or a host directory in place of what the checkpoint has at a path (only works with image or --import)",
  }),
  ignoreRootfs: bool({
    cli: "ignore-rootfs",
    rest: "ignoreRootFS",
    description: "Do not apply root file-system changes when importing from exported checkpoint",
  }),
  ignoreVolumes: bool({
    cli: "ignore-volumes",
    description: "Do not restore volumes associated with container",
  }),
  ignoreStaticIp: bool({
    cli: "ignore-static-ip",
    rest: "ignoreStaticIP",
    description: "Ignore IP address set via --static-ip",
  }),
  ignoreStaticMac: bool({
    cli: "ignore-static-mac",
    rest: "ignoreStaticMAC",
    description: "Ignore MAC address set via --mac-address",
  }),
  keep: bool({ cli: "keep", short: "k", description: "Keep all temporary checkpoint files" }),
  fileLocks: bool({ cli: "file-locks", description: "Restore a container with file locks" }),
  tcpEstablished: bool({
    cli: "tcp-established",
    description: "Restore a container with established TCP connections",
  }),
  tcpClose: bool({
    cli: "tcp-close",
    description: "Restore a container but close the TCP connections",
  }),
  ...criuBothFields("Restore"),
  policy: text({
    cli: "policy",
    description:
      "What a checkpoint that was not made here may give its processes: default, trusted, none, or a JSON file (what this host's policy file says of its source unless given)",
    valueName: "string",
  }),
  force: texts({
    cli: "force",
    description: `Restore although this is wrong, by name: ${forcibleAspects.join(", ")}`,
  }),
  printStats: bool({ cli: "print-stats", description: "Display restore statistics" }),
}
export type RestoreFlags = OptionValues<typeof RestoreFlags>

/** Options of a restore that make a difference to whether it would work. */
export const checkedOptions = [
  "name",
  "pod",
  "publish",
  "volume",
  "ignoreVolumes",
  "policy",
  "force",
] as const satisfies ReadonlyArray<keyof RestoreFlags>

/** What happens to TCP connections that were established when the checkpoint was made. */
export type TcpConnections = "refuse" | "keep" | "close"

/**
 * What is restored: containers by a selection, in which a name means a container first and a checkpoint image otherwise,
 * each looked up by itself; or the container of an archive, with its pre-checkpoint when it was made in two rounds.
 */
export type RestoreSource =
  | ContainerSelection
  | { readonly _tag: "Archive"; readonly archive: ArchiveSource; readonly previous?: ArchiveSource }

/** Options that only a container made anew from an archive or an image can have. */
export interface NewContainerOptions {
  /** New name, with which the container gets a new id and new addresses. */
  readonly name?: string
  /** Name or id of the pod that the container joins. */
  readonly pod?: string
  /** Ports to publish in place of those that the container had, as `--publish` spells them. */
  readonly publish: ReadonlyArray<string>
  /** What to mount in place of what the checkpoint has, as `ReplacedMounts` reads it. */
  readonly volume: ReadonlyArray<string>
  readonly ignoreRootfs: boolean
  readonly ignoreVolumes: boolean
  /** The OCI runtime that the caller insists on: a checkpoint that needs another one is refused. */
  readonly runtime?: RuntimeName
}

export interface RestoreOptions extends NewContainerOptions, CriuRestoreOptions {
  /** The container gets an address or a MAC of its network's choice, now and later. */
  readonly ignoreStaticIp: boolean
  readonly ignoreStaticMac: boolean
  /** The checkpoint and CRIU's log and statistics stay in the bundle. */
  readonly keep: boolean
  readonly fileLocks: boolean
  readonly tcp: TcpConnections
  /** What a checkpoint that this engine did not make on its host is held against; the host has its own word when absent. */
  readonly policy?: RestorePolicyChoice
  /** What the caller knows better than the engine. */
  readonly force: ReadonlyArray<ForcibleAspect>
}

/** A restore with every option at its default. */
export const defaultRestore: RestoreOptions = {
  publish: [],
  volume: [],
  ignoreRootfs: false,
  ignoreVolumes: false,
  ignoreStaticIp: false,
  ignoreStaticMac: false,
  keep: false,
  fileLocks: false,
  tcp: "refuse",
  ...defaultCriuRestore,
  force: [],
}

export interface RestoreRequest {
  readonly source: RestoreSource
  readonly options: RestoreOptions
}

type Rule = OptionConflict["rule"]

/** The refusal of an option that a container restored in place cannot have; none when there is no such option. */
export const newContainerRule = (options: NewContainerOptions): Rule | undefined => {
  if (options.ignoreRootfs) return "ignoreRootfsWithoutImage"
  if (options.ignoreVolumes) return "ignoreVolumesWithoutImage"
  if (options.name !== undefined) return "nameWithoutImage"
  if (options.pod !== undefined) return "podWithoutImage"
  if (options.publish.length > 0) return "publishWithoutImage"
  return options.volume.length > 0 ? "volumeWithoutImage" : undefined
}

/** Reads flat flags and names into a request, or refuses with Podman's text. `inPlace`: a container is meant for certain. */
export const restoreRequest = (
  flags: RestoreFlags,
  names: ReadonlyArray<string>,
  inPlace: boolean = flags.all || flags.latest,
): Result.Result<RestoreRequest, OptionConflict> => {
  const refuse = (rule: Rule, value?: string) =>
    Result.fail(new OptionConflict({ rule, ...(value === undefined ? {} : { value }) }))
  const importing = flags.import !== ""
  const policy = flags.policy === "" ? undefined : restorePolicyOf(flags.policy)
  if (policy !== undefined && Result.isFailure(policy)) return refuse("policyInvalid", policy.failure)
  const unknown = flags.force.find((word) => forcibleAspects.every((aspect) => aspect !== word))
  if (unknown !== undefined) return refuse("forceUnknown", unknown)
  const options: RestoreOptions = {
    ...(flags.name === "" ? {} : { name: flags.name }),
    ...(flags.pod === "" ? {} : { pod: flags.pod }),
    publish: flags.publish,
    volume: flags.volume,
    ignoreRootfs: flags.ignoreRootfs,
    ignoreVolumes: flags.ignoreVolumes,
    ignoreStaticIp: flags.ignoreStaticIp,
    ignoreStaticMac: flags.ignoreStaticMac,
    keep: flags.keep,
    fileLocks: flags.fileLocks,
    tcp: flags.tcpEstablished ? "keep" : flags.tcpClose ? "close" : "refuse",
    extUnixSk: flags.extUnixSk,
    shellJob: flags.shellJob,
    ...(policy === undefined ? {} : { policy: policy.success }),
    force: forcibleAspects.filter((aspect) => flags.force.includes(aspect)),
  }
  if (flags.importPrevious !== "" && !importing) return refuse("importPreviousWithoutImage")
  // whether a name is an image's is for the engine to find out; these cannot be meant for one
  const misplaced = !importing && inPlace ? newContainerRule(options) : undefined
  if (misplaced !== undefined) return refuse(misplaced)
  if (flags.tcpEstablished && flags.name !== "") return refuse("tcpEstablishedWithName")
  if (flags.tcpEstablished && flags.tcpClose) return refuse("tcpBoth")
  if (importing) {
    if (flags.all || flags.latest) return refuse("importWithSelection")
    if (names.length > 0) return refuse("importWithNames")
    const file = (path: string): ArchiveSource => ({ _tag: "File", path })
    return Result.succeed({
      source: {
        _tag: "Archive",
        archive: file(flags.import),
        ...(flags.importPrevious === "" ? {} : { previous: file(flags.importPrevious) }),
      },
      options,
    })
  }
  if (flags.name !== "" && names.length > 1) return refuse("nameWithSeveral")
  return Result.map(selectionOf(flags, names), (source) => ({ source, options }))
}
