/**
 * A checkpoint's claims held against a policy: everything it would give its processes that the policy does not. Pure.
 *
 * Two things are asked of each: does the configuration stay within the policy, and do the image files stay within the
 * configuration. CRIU goes by the files, whatever the configuration says.
 */
import { capabilityNames, type PolicyDifference, type RestorePolicy } from "@cryopod/entities"
import { isBindMount, isEngineDestination, type OciSpec } from "@cryopod/runtime"
import { actingAnnotations, hooksOf } from "../restore/importedSpec.ts"
import {
  type CapabilitySets,
  type ImageClaims,
  isStandardDevice,
  namespaceTypes,
  standardNumbers,
  type ThreadClaims,
} from "./imageClaims.ts"
import { mountDifferences, unfaithful } from "./mountDifferences.ts"

export interface Claims {
  readonly spec: OciSpec
  readonly images: ImageClaims
  /** Where named volumes are mounted, or what the caller puts in place of something else. */
  readonly volumes: ReadonlyArray<string>
  /** Types of namespaces that it shares with the pod it is restored into. */
  readonly joined: ReadonlyArray<string>
  /** Devices in archives of files, by archive and path. */
  readonly archivedDevices: ReadonlyArray<string>
  /** Whether this host's kernel has a file, by its path in every container. */
  readonly kernelHas: (path: string) => boolean
}

/** The parts of a runtime configuration that only matter here; a stranger's, so nothing is sure to be there. */
export interface Limits {
  readonly capabilities?: Partial<Record<keyof CapabilitySets, ReadonlyArray<string>>> | null
  readonly noNewPrivileges?: boolean
  readonly apparmorProfile?: string
}

/** One for each thing, whichever and however many threads have it. */
export const differences = (claims: Claims, policy: RestorePolicy): ReadonlyArray<PolicyDifference> => [
  ...configurationDifferences(claims, policy),
  ...threadDifferences(claims, policy),
  ...namespaceDifferences(claims, policy),
  ...deviceDifferences(claims, policy),
  ...mountDifferences(claims, policy),
]

const configuration = "configuration"

const configurationDifferences = (
  { joined, spec, volumes }: Claims,
  policy: RestorePolicy,
): ReadonlyArray<PolicyDifference> => {
  const limits = spec.process as Limits
  const beyond = Object.entries(limits.capabilities ?? {}).flatMap(([set, names]) =>
    beyondCapabilities(set, names ?? [], policy.capabilities),
  )
  const foreign = spec.mounts.filter(
    (mount) =>
      isBindMount({ ...mount, options: mount.options ?? [] }) &&
      !isEngineDestination(mount.destination) &&
      !volumes.includes(mount.destination),
  )
  const own = new Set(spec.linux.namespaces.map(({ type }) => type))
  const hosts = namespaceTypes.filter(
    (type) => type !== "user" && !own.has(type) && !joined.includes(type) && !policy.hostNamespaces.includes(type),
  )
  const parts = [
    ...hooksOf(spec.hooks).map((name) => ({
      finding: `OCI hook ${name}`,
      reason: "it is a program that the host runs",
    })),
    ...actingAnnotations(spec.annotations ?? {})
      // Podman writes those for every container, and here they mean nothing
      .filter((key) => !key.startsWith("org.systemd.property."))
      .map((key) => ({ finding: `annotation ${key}`, reason: "runtimes act upon it with the host's rights" })),
    ...foreign.map(({ destination, source }) => ({
      finding: `bind mount of ${source} on ${destination}`,
      reason: "it is a file or directory of the host",
    })),
    ...spec.linux.namespaces
      .filter(({ path, type }) => (path ?? "") !== "" && type !== "network" && !joined.includes(type))
      .map(({ path, type }) => ({ finding: `${type} namespace ${path}`, reason: "it is somebody else's on the host" })),
  ]
  return [
    ...merged(beyond.map((difference) => ({ subject: configuration, ...difference }))),
    ...hosts.map((type) => ({
      subject: configuration,
      finding: `the ${type} namespace of the host`,
      reason: "processes would see and reach what is the host's",
      remedy: `let the policy have ${JSON.stringify(type)} in hostNamespaces`,
    })),
    ...(policy.hostParts === "drop"
      ? []
      : parts.map((part) => ({
          subject: configuration,
          ...part,
          remedy: 'let the policy say "drop" for hostParts: it is then left out, with a warning',
        }))),
    ...(limits.apparmorProfile === "unconfined" && policy.kernelFiles === "protected"
      ? [
          {
            subject: configuration,
            finding: "no security profile",
            reason: "the host confines its containers with one",
            remedy: 'let the policy say "any" for kernelFiles',
          },
        ]
      : []),
  ]
}

type Finding = Omit<PolicyDifference, "subject">

const beyondCapabilities = (
  set: string,
  names: ReadonlyArray<string>,
  allowed: ReadonlyArray<string>,
  reason = "the policy does not have them",
): ReadonlyArray<Finding> => {
  const beyond = names.filter((name) => !allowed.includes(name))
  if (beyond.length === 0) return []
  const all = capabilityNames.every((name) => names.includes(name))
  return [
    {
      finding: all ? `all ${set} capabilities` : `${set} ${beyond.join(", ")}`,
      reason,
      remedy: `let the policy have ${all ? '"ALL"' : beyond.map((name) => JSON.stringify(name)).join(", ")} in capabilities`,
    },
  ]
}

const threadDifferences = ({ images, spec }: Claims, policy: RestorePolicy): ReadonlyArray<PolicyDifference> => {
  const limits = spec.process as Limits
  const bounding = limits.capabilities?.bounding ?? []
  const wantsSeccomp = ((spec.linux as { readonly seccomp?: unknown }).seccomp ?? undefined) !== undefined
  const profile = limits.apparmorProfile ?? ""
  const findings = ({ capabilities, groups, noNewPrivileges, seccomp, securityProfile, users }: ThreadClaims) => [
    ...Object.entries(capabilities).flatMap(([set, names]: readonly [string, ReadonlyArray<string>]) => [
      ...beyondCapabilities(set, names, policy.capabilities),
      ...beyondCapabilities(
        set,
        names.filter((name) => policy.capabilities.includes(name)),
        bounding,
        "the container's own configuration does not have them",
      ).map((finding) => ({ ...finding, remedy: unfaithful })),
    ]),
    ...beyondIds("user id", "users", users, policy.users),
    ...beyondIds("group id", "groups", groups, policy.groups),
    ...missing("no_new_privs", noNewPrivileges, policy.noNewPrivileges, limits.noNewPrivileges === true),
    ...missing("seccomp filter", seccomp, policy.seccomp, wantsSeccomp),
    ...(profile !== "" && profile !== "unconfined" && (securityProfile === "" || securityProfile === "unconfined")
      ? [{ finding: "no security profile", reason: `the configuration has ${profile}`, remedy: unfaithful }]
      : []),
  ]
  return merged(
    images.threads.flatMap((thread) =>
      findings(thread).map((finding) => ({ subject: `${thread.thread} (${thread.name})`, ...finding })),
    ),
  ).map((difference) => ({ ...difference, subject: `process ${difference.subject}` }))
}

const beyondIds = (
  what: string,
  field: string,
  ids: ReadonlyArray<number>,
  allowed: RestorePolicy["users"],
): ReadonlyArray<Finding> => {
  const beyond = allowed === "any" ? [] : ids.filter((id) => !allowed.includes(id))
  return beyond.map((id) => ({
    finding: `${what} ${id}`,
    reason: "the policy does not have it",
    remedy: `let the policy have ${id} in ${field}`,
  }))
}

const missing = (
  what: string,
  has: boolean,
  restraint: RestorePolicy["seccomp"],
  configured: boolean,
): ReadonlyArray<Finding> => {
  if (has || (restraint === "asConfigured" && !configured)) return []
  return [
    {
      finding: `no ${what}`,
      reason: configured ? "the configuration has one, which would not bind it" : "the policy requires it",
      remedy: configured ? unfaithful : 'let the policy say "asConfigured"',
    },
  ]
}

const namespaceDifferences = ({ images, spec }: Claims, policy: RestorePolicy): ReadonlyArray<PolicyDifference> => {
  const own = new Set(spec.linux.namespaces.map(({ type }) => type))
  const named = ({ process }: { readonly process: number }) => String(process)
  return merged([
    ...images.hostNamespaces
      .filter(({ type }) => type === "mount" || own.has(type))
      .map((one) => ({
        subject: named(one),
        finding: `the ${one.type} namespace of the host`,
        reason: "the images name it, and CRIU goes by them",
        remedy: unfaithful,
      })),
    ...images.furtherNamespaces
      .filter(({ type }) => !policy.hostNamespaces.includes(type))
      .map((one) => ({
        subject: named(one),
        finding: `a ${one.type} namespace besides the container's`,
        reason: "containers that ask for nothing special have one of each",
        remedy: `let the policy have ${JSON.stringify(one.type)} in hostNamespaces`,
      })),
  ]).map((difference) => ({ ...difference, subject: `process ${difference.subject}` }))
}

interface DeviceLimits {
  readonly devices?: ReadonlyArray<{ readonly path?: string }> | null
  readonly resources?: {
    readonly devices?: ReadonlyArray<{
      readonly allow?: boolean
      readonly type?: string
      readonly major?: number
      readonly minor?: number
    }> | null
  } | null
}

const deviceDifferences = ({ archivedDevices, images, spec }: Claims, policy: RestorePolicy) => {
  const { devices, resources } = spec.linux as DeviceLimits
  const rules = (resources?.devices ?? []).filter((rule) => rule.allow === true && !isStandardRule(rule))
  const difference = (subject: string, path: string): PolicyDifference => ({
    subject,
    finding: `device ${path}`,
    reason: "containers that ask for nothing special do not have it",
    remedy: `let the policy have ${JSON.stringify(path)} in devices`,
  })
  const allowed = (path: string) => policy.devices === "any" || policy.devices.includes(path)
  const raw = images.rawSockets > 0 && !policy.capabilities.includes("CAP_NET_RAW")
  return [
    ...(devices ?? [])
      .map(({ path = "" }) => path)
      .filter((path) => !isStandardDevice(path) && !allowed(path))
      .map((path) => difference(configuration, path)),
    ...rules
      .map(({ major, minor, type = "a" }) => `${type} ${major ?? "*"}:${minor ?? "*"}`)
      .filter((rule) => !allowed(rule))
      .map((rule) => difference(configuration, rule)),
    ...images.openDevices.filter((path) => !allowed(path)).map((path) => difference("open files", path)),
    ...archivedDevices.filter((path) => !allowed(path)).map((path) => difference("files", path)),
    ...images.climbingPaths.map((path) => ({
      subject: "open files",
      finding: path,
      reason: "the path leads upwards, which the kernel never says of an open file",
      remedy: unfaithful,
    })),
    ...(raw
      ? [
          {
            subject: "open files",
            finding: `${images.rawSockets} raw or packet sockets`,
            reason: "CRIU opens them for processes that could not do so themselves",
            remedy: 'let the policy have "CAP_NET_RAW" in capabilities',
          },
        ]
      : []),
  ]
}

const standardRules = new Set([...standardNumbers, "136:*"])

const isStandardRule = (rule: NonNullable<NonNullable<DeviceLimits["resources"]>["devices"]>[number]): boolean =>
  rule.type === "c" && standardRules.has(`${rule.major ?? "*"}:${rule.minor ?? "*"}`)

/** The same finding of several subjects becomes one. */
export const merged = (all: ReadonlyArray<PolicyDifference>): ReadonlyArray<PolicyDifference> => {
  const subjects = new Map<string, { readonly difference: PolicyDifference; readonly names: Set<string> }>()
  for (const difference of all) {
    const key = JSON.stringify([difference.finding, difference.reason, difference.remedy])
    const known = subjects.get(key) ?? { difference, names: new Set() }
    known.names.add(difference.subject)
    subjects.set(key, known)
  }
  return [...subjects.values()].map(({ difference, names }) => ({ ...difference, subject: listed([...names]) }))
}

const shown = 4

const listed = (names: ReadonlyArray<string>): string =>
  names.length <= shown ? names.join(", ") : `${names.slice(0, shown).join(", ")} and ${names.length - shown} more`
