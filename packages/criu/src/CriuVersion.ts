/**
 * Versions of CRIU and of the Linux kernel, and which of the two can serve which.
 *
 * `criu --version` prints `Version: 4.2.1`, and `GitID: …` when it was built from a git checkout (CRIU 4.2
 * `criu/config.c`). Versions travel between engines as one integer, 40201 for 4.2.1.
 */

export interface CriuVersion {
  readonly major: number
  readonly minor: number
  readonly sublevel: number
  /** What follows the numbers, e.g. `rc1`; usually empty. */
  readonly extra: string
  /** Git description of the build; empty for one from a released archive. */
  readonly gitId: string
  /** `major * 10000 + minor * 100 + sublevel`. */
  readonly integer: number
}

/** The version in the output of `criu --version`, or in a bare `4.2.1-rc1`; undefined when there is none. */
export const parseCriuVersion = (text: string): CriuVersion | undefined => {
  const match = /^(?:Version:\s*)?v?(\d{1,4})\.(\d{1,2})(?:\.(\d{1,2}))?(?:[-.+~](\S+))?[^\S\n]*$/m.exec(text)
  if (match === null) return undefined
  const [major, minor, sublevel] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)]
  return {
    major,
    minor,
    sublevel,
    extra: match[4] ?? "",
    gitId: /^GitID:\s*(\S+)/m.exec(text)?.[1] ?? "",
    integer: major * 10_000 + minor * 100 + sublevel,
  }
}

/** Negative, zero or positive. A release candidate comes before its release; the git description does not count. */
export const compareCriuVersions = (left: CriuVersion, right: CriuVersion): number =>
  left.integer - right.integer ||
  Number(left.extra === "") - Number(right.extra === "") ||
  left.extra.localeCompare(right.extra, "en", { numeric: true })

export const formatCriuVersion = (version: CriuVersion): string => {
  const sublevel = version.sublevel === 0 ? "" : `.${version.sublevel}`
  const extra = version.extra === "" ? "" : `-${version.extra}`
  return `${version.major}.${version.minor}${sublevel}${extra}`
}

/** `40201` as people write it. */
export const formatCriuInteger = (integer: number): string => {
  const [major, minor, sublevel] = [Math.floor(integer / 10_000), Math.floor(integer / 100) % 100, integer % 100]
  return `${major}.${minor}${sublevel === 0 ? "" : `.${sublevel}`}`
}

/**
 * The integer that libpod writes into checkpoints: a build from git counts as the next minor version (go-criu v7
 * `main.go`, `GetCriuVersion`). Not to be used for deciding what a CRIU can do.
 */
export const libpodCriuInteger = (version: CriuVersion): number =>
  version.gitId === "" ? version.integer : version.integer - (version.integer % 100) + 100

export interface KernelRelease {
  readonly major: number
  readonly minor: number
}

/** `6.18.44-fc-v657`, as `uname -r` says it. */
export const parseKernelRelease = (text: string): KernelRelease | undefined => {
  const match = /^(\d{1,4})\.(\d{1,4})(?!\d)/.exec(text.trim())
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) }
}

const reaches = (kernel: KernelRelease, from: KernelRelease) =>
  kernel.major > from.major || (kernel.major === from.major && kernel.minor >= from.minor)

export interface CriuRequirement {
  /** The oldest CRIU that will do. */
  readonly minimum: number
  /** From this kernel on. */
  readonly kernel: KernelRelease
  /** What goes wrong with an older CRIU. */
  readonly reason: string
}

const anyKernel: KernelRelease = { major: 0, minor: 0 }

/** libpod `pkg/criu`: MinCriuVersion. */
export const checkpointMinimum = 31_100

/** What a kernel asks of CRIU, the least first. */
export const criuRequirements: ReadonlyArray<CriuRequirement> = [
  { minimum: checkpointMinimum, kernel: anyKernel, reason: "containers cannot be checkpointed reliably" },
  {
    // CRIU commit 8ee2eba47, first in v4.1 (criu#2532: "Unexpected rt vDSO area bounds")
    minimum: 40_100,
    kernel: { major: 6, minor: 13 },
    reason: "the vDSO of this kernel has an area that it does not know, and every dump fails",
  },
  {
    // CRIU commit 570621a48, first in v4.1.1 (criu#2694, for Linux commit 12f147ddd6de; stable kernels have it too)
    minimum: 40_101,
    kernel: { major: 6, minor: 16 },
    reason: "this kernel changes mounts only from inside their namespace, and restores fail",
  },
  {
    // CRIU commit 4b7398595, first in v4.2 (criu#2705, criu#2718: "Can't get 1:16 opt: Operation not supported")
    minimum: 40_200,
    kernel: { major: 6, minor: 16 },
    reason: "this kernel has no SO_PASSCRED on internet sockets, and dumps of them fail",
  },
  {
    // criu#3002, criu#3003: merged after 4.2
    minimum: 40_201,
    kernel: { major: 7, minor: 1 },
    reason: "this kernel has no UDP-Lite, and every dump fails while collecting sockets",
  },
]

/** The oldest CRIU that can serve a kernel, and why. */
export const criuMinimum = (kernel: KernelRelease): CriuRequirement =>
  criuRequirements
    .filter((requirement) => reaches(kernel, requirement.kernel))
    .reduce((most, next) => (next.minimum > most.minimum ? next : most))

/** What stands against this CRIU on this kernel; undefined when nothing does. */
export const criuShortcoming = (version: CriuVersion, kernel: KernelRelease): CriuRequirement | undefined => {
  const requirement = criuMinimum(kernel)
  return version.integer >= requirement.minimum ? undefined : requirement
}
