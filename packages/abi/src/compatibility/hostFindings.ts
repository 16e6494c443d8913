/** What a checkpoint needs held against what a host has. Pure. */
import { formatCriuInteger, parseKernelRelease } from "@cryopod/criu"
import type { CheckFinding } from "@cryopod/entities"

export interface CheckpointNeeds {
  /** Go's name; empty when nothing says it. */
  readonly architecture: string
  /** `uname -r` of the host that made it; empty when nothing says it. */
  readonly kernelRelease: string
  /** Of the CRIU that made it, `40201`; undefined when nothing says it. */
  readonly criuVersion: number | undefined
  /** CRIU's version of the format (`inventory.proto`). */
  readonly imagesVersion: number
  /** The security module whose profiles the processes have; empty without one. */
  readonly securityModule: "" | "apparmor" | "selinux"
  /** Names of those profiles that have to be there already; none of those that CRIU brings along. */
  readonly securityProfiles: ReadonlyArray<string>
  /** Kinds of cgroup hierarchies that the container sees. */
  readonly cgroups: ReadonlyArray<"v1" | "v2">
  /** Words of CRIU's `cpuinfo.img`; undefined when the checkpoint has none. */
  readonly cpu: ReadonlyArray<number> | undefined
  /** What a restore writes. */
  readonly spaceBytes: number
  /** What the processes have in memory. */
  readonly memoryBytes: number
}

export interface HostOffers {
  readonly architecture: string
  readonly kernelRelease: string
  readonly criuVersion: number
  readonly cgroups: "v1" | "v2"
  readonly apparmor: boolean
  /** Profiles that are loaded; undefined when this cannot be told. */
  readonly apparmorProfiles: ReadonlyArray<string> | undefined
  readonly selinux: boolean
  /** Undefined when it was not asked for, or could not be told. */
  readonly cpu: ReadonlyArray<number> | undefined
  readonly spaceBytes: number
  readonly memoryBytes: number
}

/** The format that CRIU has had since 2.0 (`criu/include/image.h`, CRTOOLS_IMAGES_V1_1). */
const knownImages = 2

export const hostFindings = (needs: CheckpointNeeds, host: HostOffers): ReadonlyArray<CheckFinding> => [
  finding("architecture", host.architecture, needs.architecture === "" || needs.architecture === host.architecture, {
    problem: `made on ${needs.architecture}, and this is ${host.architecture}`,
    remedy: `restore it on a host with ${needs.architecture}`,
  }),
  kernelFinding(needs, host),
  criuFinding(needs, host),
  cpuFinding(needs, host),
  cgroupFinding(needs, host),
  securityFinding(needs, host),
  finding("space", `${host.spaceBytes} bytes`, needs.spaceBytes <= host.spaceBytes, {
    problem: `it needs ${needs.spaceBytes} bytes, and ${host.spaceBytes} are free`,
    remedy: "make room where the engine keeps its state",
  }),
  finding("memory", `${host.memoryBytes} bytes`, needs.memoryBytes <= host.memoryBytes, {
    problem: `its processes have ${needs.memoryBytes} bytes, and ${host.memoryBytes} are available`,
    remedy: "end other programs, or restore it on a host with more memory",
  }),
]

const finding = (
  aspect: CheckFinding["aspect"],
  found: string,
  isOk: boolean,
  { problem, remedy }: Pick<CheckFinding, "problem" | "remedy">,
): CheckFinding =>
  isOk ? { aspect, status: "ok", found, problem: "", remedy: "" } : { aspect, status: "no", found, problem, remedy }

const securityFinding = ({ securityModule, securityProfiles }: CheckpointNeeds, host: HostOffers): CheckFinding => {
  if (securityModule === "") return finding("securityModule", "none needed", true, { problem: "", remedy: "" })
  if (!host[securityModule]) {
    return finding("securityModule", securityModule, false, {
      problem: `its processes have profiles of ${securityModule}, which this host does not use`,
      remedy: `restore it on a host with ${securityModule}`,
    })
  }
  // SELinux has its labels in one policy, whose words are not to be had
  const loaded = securityModule === "apparmor" ? host.apparmorProfiles : undefined
  const missing = loaded === undefined ? [] : securityProfiles.filter((profile) => !loaded.includes(profile))
  return finding("securityModule", securityModule, missing.length === 0, {
    problem: `its processes have the AppArmor profile ${missing.join(", ")}, which is not loaded`,
    remedy: "load it (apparmor_parser), or start what loads it on this host",
  })
}

/** CRIU restores them in many cases, and not in all. */
const cgroupFinding = ({ cgroups }: CheckpointNeeds, host: HostOffers): CheckFinding => {
  const fits = cgroups.every((kind) => kind === host.cgroups)
  return {
    aspect: "cgroups",
    status: fits ? "ok" : "warning",
    found: host.cgroups,
    problem: fits ? "" : `the container sees cgroups ${cgroups.join(" and ")}, and this host has ${host.cgroups}`,
    remedy: fits ? "" : "restore it on a host with the same layout, if it does not work here",
  }
}

const kernelFinding = (needs: CheckpointNeeds, host: HostOffers): CheckFinding => {
  const [made, here] = [parseKernelRelease(needs.kernelRelease), parseKernelRelease(host.kernelRelease)]
  const isOlder =
    made !== undefined &&
    here !== undefined &&
    (here.major < made.major || (here.major === made.major && here.minor < made.minor))
  return {
    aspect: "kernel",
    status: isOlder ? "warning" : "ok",
    found: host.kernelRelease,
    problem: isOlder ? `made on the newer Linux ${needs.kernelRelease}` : "",
    remedy: isOlder ? "restore it on a host with the same or a newer kernel, if it does not work here" : "",
  }
}

const criuFinding = (needs: CheckpointNeeds, host: HostOffers): CheckFinding => {
  const found = formatCriuInteger(host.criuVersion)
  if (needs.imagesVersion > knownImages) {
    const problem = `its files have version ${needs.imagesVersion}, and CRIU ${found} knows ${knownImages}`
    return { aspect: "criu", status: "no", found, problem, remedy: "install a newer CRIU" }
  }
  const isOlder = needs.criuVersion !== undefined && host.criuVersion < needs.criuVersion
  return {
    aspect: "criu",
    status: isOlder ? "warning" : "ok",
    found,
    problem: isOlder ? `made by the newer CRIU ${formatCriuInteger(needs.criuVersion)}` : "",
    remedy: isOlder ? "install that version or a newer one, if it does not work" : "",
  }
}

const cpuFinding = ({ cpu }: CheckpointNeeds, host: HostOffers): CheckFinding => {
  if (cpu === undefined || host.cpu === undefined) {
    const found = cpu === undefined ? "the checkpoint does not say what it needs" : "this host's could not be told"
    return { aspect: "cpu", status: "ok", found, problem: "", remedy: "" }
  }
  const missing = missingFeatures(cpu, host.cpu)
  return finding("cpu", "every feature", missing.length === 0, {
    problem: `this processor lacks ${missing.join(", ")}, which the one had that it was made on`,
    remedy: "restore it on a host with the same or a newer processor",
  })
}

/** Features that one processor has and another has not. */
export const missingFeatures = (needed: ReadonlyArray<number>, present: ReadonlyArray<number>): ReadonlyArray<string> =>
  needed.flatMap((word, at) => {
    const missing = (word & ~(present[at] ?? 0)) >>> 0
    return Array.from({ length: 32 }, (_, bit) => bit)
      .filter((bit) => ((missing >>> bit) & 1) === 1)
      .map((bit) => featureNames[`${at}:${bit}`] ?? `feature ${at}:${bit}`)
  })

/** Names that people know, by word and bit (Linux `arch/x86/include/asm/cpufeatures.h`, whose numbers CRIU took over). */
const featureNames: Readonly<Record<string, string>> = {
  "0:25": "sse",
  "0:26": "sse2",
  "4:0": "sse3",
  "4:1": "pclmulqdq",
  "4:9": "ssse3",
  "4:12": "fma",
  "4:19": "sse4_1",
  "4:20": "sse4_2",
  "4:22": "movbe",
  "4:23": "popcnt",
  "4:25": "aes",
  "4:26": "xsave",
  "4:28": "avx",
  "4:29": "f16c",
  "4:30": "rdrand",
  "9:3": "bmi1",
  "9:5": "avx2",
  "9:8": "bmi2",
  "9:16": "avx512f",
  "9:17": "avx512dq",
  "9:18": "rdseed",
  "9:19": "adx",
  "9:28": "avx512cd",
  "9:29": "sha_ni",
  "9:30": "avx512bw",
  "9:31": "avx512vl",
}
