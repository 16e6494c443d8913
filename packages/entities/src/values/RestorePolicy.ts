/**
 * What the processes of a checkpoint may be given when it does not come from this engine on this host.
 *
 * CRIU gives processes the identities, capabilities and filters that its image files name, whatever the destination's
 * settings say. So they are read before and held against one of these:
 *
 *   default   what a container gets that asks for nothing special, and nothing of the host
 *   trusted   whatever the checkpoint's own configuration asks for, and nothing beyond it
 *   none      nothing is looked at
 *   {…}       the default, but for what the document says
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { capabilityName, capabilityNames, standardCapabilities } from "./Capability.ts"

/** Ids that processes may run under. */
const Ids = Schema.Union([Schema.Literal("any"), Schema.Array(Schema.Int)])

const Restraint = Schema.Literals(["asConfigured", "required"])

export const RestorePolicy = Schema.Struct({
  /** User ids: real, effective, saved and of file systems. */
  users: Ids,
  /** Group ids, supplementary ones among them. */
  groups: Ids,
  /** The most that any of the five sets of any thread may hold. */
  capabilities: Schema.Array(Schema.String),
  /** `asConfigured`: where the checkpoint's configuration wants it, every process must have it. */
  noNewPrivileges: Restraint,
  /** As for `noNewPrivileges`. Whether there is a filter can be told, not what it is good for. */
  seccomp: Restraint,
  /** Namespaces of the host that may be shared, by their types in the OCI runtime-spec. */
  hostNamespaces: Schema.Array(Schema.String),
  /** Devices beyond those that every container has, by path. */
  devices: Schema.Union([Schema.Literal("any"), Schema.Array(Schema.String)]),
  /** File systems beyond those that the kernel makes for every container, by type. */
  fileSystems: Schema.Union([Schema.Literal("any"), Schema.Array(Schema.String)]),
  /** Files of the kernel that tell about or change the host (`/proc/sys`, `/sys`): kept from the container, or not. */
  kernelFiles: Schema.Literals(["protected", "any"]),
  /**
   * What is never taken over from anybody (hooks, files of the host, annotations that runtimes act upon): a checkpoint that
   * has it is refused, or restored without it.
   */
  hostParts: Schema.Literals(["refuse", "drop"]),
})
export type RestorePolicy = typeof RestorePolicy.Type

/** `none` looks at nothing. */
export type RestorePolicyChoice = RestorePolicy | "none"

export const defaultRestorePolicy: RestorePolicy = {
  users: "any",
  groups: "any",
  capabilities: standardCapabilities,
  noNewPrivileges: "asConfigured",
  seccomp: "asConfigured",
  hostNamespaces: [],
  devices: [],
  fileSystems: [],
  kernelFiles: "protected",
  hostParts: "refuse",
}

export const trustedRestorePolicy: RestorePolicy = {
  ...defaultRestorePolicy,
  capabilities: capabilityNames,
  hostNamespaces: ["pid", "network", "ipc", "uts", "user", "cgroup"],
  devices: "any",
  fileSystems: "any",
  kernelFiles: "any",
  hostParts: "drop",
}

/** Names of policies that a caller may say. */
export const restorePolicies: Readonly<Record<string, RestorePolicyChoice>> = {
  default: defaultRestorePolicy,
  trusted: trustedRestorePolicy,
  none: "none",
}

const decode = Schema.decodeUnknownResult(
  Schema.fromJsonString(RestorePolicy.mapFields(Struct.map(Schema.optionalKey))),
  // a word that nobody knows would be a restriction that nobody has
  { onExcessProperty: "error" },
)

/** A name, or a document with fields that differ from the default; a failure is what is wrong with it. */
export const restorePolicyOf = (text: string): Result.Result<RestorePolicyChoice, string> => {
  const named = restorePolicies[text]
  if (named !== undefined) return Result.succeed(named)
  if (!text.trimStart().startsWith("{")) return Result.fail(`there is no such policy, use ${policyNames} or a document`)
  const read = decode(text)
  if (Result.isFailure(read))
    return Result.fail(
      read.failure.message
        .split("\n")
        .map((line) => line.trim())
        .join(" "),
    )
  const { capabilities, ...rest } = read.success
  const given = (capabilities ?? []).map((name) => [name, capabilityName(name)] as const)
  const unknown = given.find(([, known]) => known === undefined)
  if (unknown !== undefined) return Result.fail(`there is no capability ${unknown[0]}`)
  const allowed = given.some(([, known]) => known === "ALL") ? capabilityNames : given.map(([, known]) => known ?? "")
  return Result.succeed({
    ...defaultRestorePolicy,
    ...rest,
    ...(capabilities === undefined ? {} : { capabilities: allowed }),
  })
}

const policyNames = Object.keys(restorePolicies).join(", ")
