/** Options of the pod commands, one struct each. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { OptionConflict } from "../failures/OptionConflict.ts"
import { PodOptionInvalid } from "../failures/PodFailures.ts"
import { bool, integer, type OptionValues, optionValues, text, texts } from "../Option.ts"
import { ContainerNetworkFlags } from "./ContainerNetworkFlags.ts"
import { isContainerName } from "../values/ContainerName.ts"
import { type NamespaceKind, namespaceKinds } from "../values/NamespaceMode.ts"
import type { RuntimeName } from "../values/RuntimeName.ts"
import { keyValues } from "../values/KeyValues.ts"

const all = (what: string) => bool({ cli: "all", short: "a", description: what })
const latest = bool({ cli: "latest", short: "l", description: "Act on the latest pod" })

/** Of the infra container, which nothing is exposed for by itself. */
const { expose: _, ...podNetworkFields } = ContainerNetworkFlags

export const PodCreateFlags = {
  name: text({ cli: "name", short: "n", description: "Assign a name to the pod" }),
  share: text({
    cli: "share",
    rest: "shared_namespaces",
    description: "A comma delimited list of kernel namespaces the pod will share",
    fallback: "ipc,net,uts",
  }),
  shareParent: bool({
    cli: "share-parent",
    rest: "share_parent",
    description: "Set the pod's cgroup as the cgroup parent for all containers joining the pod",
    fallback: true,
  }),
  infra: bool({
    cli: "infra",
    description: "Create an infra container associated with the pod to share namespaces with",
    fallback: true,
  }),
  infraName: text({ cli: "infra-name", rest: "infra_name", description: "Assign a name to the infra container" }),
  infraImage: text({
    cli: "infra-image",
    rest: "infra_image",
    description: "Image to use to override builtin infra container",
  }),
  infraCommand: text({
    cli: "infra-command",
    rest: "infra_command",
    description: "Overwrite the default ENTRYPOINT of the infra container's image",
  }),
  hostname: text({ cli: "hostname", short: "h", description: "Set the hostname of the pod" }),
  label: texts({ cli: "label", short: "l", rest: "labels", description: "Set metadata on pod" }),
  ...podNetworkFields,
  shmSize: text({
    cli: "shm-size",
    rest: "shm_size",
    description: "Size of /dev/shm (format: <number>[<unit>])",
    fallback: "65536k",
  }),
  exitPolicy: text({
    cli: "exit-policy",
    rest: "exit_policy",
    description: 'Behaviour when the last container exits ("continue", "stop")',
    fallback: "continue",
  }),
  replace: bool({ cli: "replace", description: "If a pod with the same name exists, replace it" }),
}
export type PodCreateFlags = OptionValues<typeof PodCreateFlags>

export const ExitPolicy = Schema.Literals(["continue", "stop"])
export type ExitPolicy = typeof ExitPolicy.Type

/** The container that holds what a pod shares. */
export interface InfraOptions extends ContainerNetworkFlags {
  /** Of the container; made from the pod's id when empty. */
  readonly name: string
  /** Its image; the engine's own when empty. */
  readonly image: string
  /** Its program; the image's when empty. */
  readonly command: string
  readonly shmSize: string
  /** The OCI runtime that runs it; the engine's own choice when absent. */
  readonly runtime?: RuntimeName
}

/** The pod that is wanted. */
export interface PodCreateOptions {
  /** A random one when empty. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** The pod's name when empty. */
  readonly hostname: string
  readonly exitPolicy: ExitPolicy
  /** What its containers share; nothing can be shared without an infra container. */
  readonly shares: ReadonlyArray<NamespaceKind>
  /** Absent for a pod that is only a group. */
  readonly infra?: InfraOptions
  /** A pod of this name that exists is removed with all its containers. */
  readonly replace: boolean
  readonly createCommand: ReadonlyArray<string>
}

export const defaultInfra: InfraOptions = {
  ...optionValues(ContainerNetworkFlags),
  name: "",
  image: "",
  command: "",
  shmSize: "65536k",
}

/** The options of networks, names and ports out of a larger set. */
export const networkFlagsOf = (flags: ContainerNetworkFlags): ContainerNetworkFlags => ({
  network: flags.network,
  ip: flags.ip,
  ip6: flags.ip6,
  macAddress: flags.macAddress,
  networkAlias: flags.networkAlias,
  publish: flags.publish,
  expose: flags.expose,
  dns: flags.dns,
  dnsSearch: flags.dnsSearch,
  dnsOption: flags.dnsOption,
  addHost: flags.addHost,
  noHosts: flags.noHosts,
})

/** A pod with every option at its default. */
export const defaultPod: PodCreateOptions = {
  name: "",
  labels: {},
  hostname: "",
  exitPolicy: "continue",
  shares: ["ipc", "net", "uts"],
  infra: defaultInfra,
  replace: false,
  createCommand: [],
}

/** Reads flat flags and a name into a pod, or refuses with Podman's text. `given` are the flags that were set by hand. */
export const podCreateOptions = (
  flags: PodCreateFlags,
  names: ReadonlyArray<string>,
  given: ReadonlySet<keyof PodCreateFlags>,
): Result.Result<PodCreateOptions, OptionConflict | PodOptionInvalid> => {
  const refuse = (rule: OptionConflict["rule"]) => Result.fail(new OptionConflict({ rule }))
  const invalid = (problem: PodOptionInvalid["problem"], value: string) =>
    Result.fail(new PodOptionInvalid({ problem, value }))
  const [argument] = names
  if (argument !== undefined && flags.name !== "") return refuse("podNameTwice")
  const name = argument ?? flags.name
  const nothing = flags.share === "none" || flags.share === ""
  // where nothing is shared, nothing is needed to share it
  const infra = given.has("infra") ? flags.infra : flags.infra && !nothing
  if (!infra) {
    if (given.has("infraName")) return refuse("podInfraName")
    if (given.has("infraImage")) return refuse("podInfraImage")
    if (given.has("infraCommand")) return refuse("podInfraCommand")
    if (given.has("share") && !nothing) return invalid("shareWithoutInfra", flags.share)
    if (flags.network.length > 0) return refuse("podNetworkWithoutInfra")
  }
  if (infra && flags.share.includes("cgroup") && flags.shareParent) return refuse("podCgroupParent")
  if (name !== "" && !isContainerName(name)) return invalid("name", name)
  if (flags.replace && name === "") return refuse("podReplaceWithoutName")
  const exitPolicy = ExitPolicy.literals.find((policy) => policy === flags.exitPolicy)
  if (exitPolicy === undefined) return invalid("exitPolicy", flags.exitPolicy)
  return Result.map(infra ? sharedNamespaces(flags.share) : Result.succeed([]), (shares) => ({
    name,
    labels: keyValues(flags.label),
    hostname: flags.hostname,
    exitPolicy,
    shares,
    ...(infra
      ? {
          infra: {
            name: flags.infraName,
            image: flags.infraImage,
            command: flags.infraCommand,
            ...networkFlagsOf({ ...flags, expose: [] }),
            shmSize: flags.shmSize,
          },
        }
      : {}),
    replace: flags.replace,
    createCommand: [],
  }))
}

/** `net,uts`; with `+` in front, those and the default ones. */
const sharedNamespaces = (text: string): Result.Result<ReadonlyArray<NamespaceKind>, PodOptionInvalid> => {
  const words = text.startsWith("+") ? ["ipc", "net", "uts", ...text.slice(1).split(",")] : text.split(",")
  const wanted = new Set<NamespaceKind>()
  for (const word of words) {
    if (word === "none") return Result.succeed([])
    if (word === "" || word === "user") continue
    if (word === "mnt") return Result.fail(new PodOptionInvalid({ problem: "shareMount", value: word }))
    const kind = namespaceKinds.find((known) => known === word)
    if (kind === undefined) return Result.fail(new PodOptionInvalid({ problem: "share", value: word }))
    wanted.add(kind)
  }
  return Result.succeed(namespaceKinds.filter((kind) => wanted.has(kind)))
}

export const PodListFlags = {
  filter: texts({ cli: "filter", short: "f", rest: "filters", description: "Filter output based on conditions given" }),
  latest: bool({ cli: "latest", short: "l", description: "Act on the latest pod" }),
}
export type PodListFlags = OptionValues<typeof PodListFlags>

export const PodStartFlags = { all: all("Start all pods"), latest }
export const PodRestartFlags = { all: all("Restart all running pods"), latest }
export const PodPauseFlags = { all: all("Act on all running or paused pods"), latest }

export const PodStopFlags = {
  all: all("Stop all running pods"),
  latest,
  ignore: bool({ cli: "ignore", short: "i", description: "Ignore errors when a specified pod is missing" }),
  time: integer({
    cli: "time",
    short: "t",
    rest: "t",
    description: "Seconds to wait for pod stop before killing the container",
    fallback: -1,
  }),
}

export const PodKillFlags = {
  all: all("Kill all containers in all pods"),
  latest,
  signal: text({
    cli: "signal",
    short: "s",
    description: "Signal to send to the containers in the pod",
    fallback: "KILL",
  }),
}

export const PodRemoveFlags = {
  all: all("Remove all running pods"),
  latest,
  force: bool({
    cli: "force",
    short: "f",
    description: "Force removal of a running pod by first stopping all containers, then removing all of them",
  }),
  ignore: bool({ cli: "ignore", short: "i", description: "Ignore errors when a specified pod is missing" }),
  time: integer({
    cli: "time",
    short: "t",
    rest: "timeout",
    description: "Seconds to wait for pod stop before killing the container",
    fallback: -1,
  }),
}
