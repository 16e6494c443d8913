/**
 * What the manifest of a checkpoint image says about the checkpoint, in three vocabularies: Podman's, CRI-O's and
 * CRIU's own (containerd and checkpointctl read the last). Declared as one table, so that they cannot disagree.
 *
 * Sources: Podman `libpod/define/annotations.go`, CRI-O `pkg/annotations`, checkpointctl `lib/annotations.go`.
 */

export interface CheckpointFacts {
  readonly name: string
  readonly rawImageName: string
  readonly rootfsImageId: string
  readonly rootfsImageName: string
  readonly engineName: string
  readonly engineVersion: string
  /** Integer form, e.g. 40201 for 4.2.1. */
  readonly criuVersion: number
  readonly runtimeName: string
  readonly runtimeVersion: string
  readonly conmonVersion: string
  readonly hostArchitecture: string
  readonly hostKernel: string
  /** `v1` or `v2`. */
  readonly cgroupVersion: string
  readonly distributionName: string
  readonly distributionVersion: string
}

type Keys = readonly [podman: string | undefined, crio: string | undefined, criu: string]

const podman = "io.podman.annotations.checkpoint."
const crio = "io.kubernetes.cri-o.annotations.checkpoint."
const criu = "org.criu.checkpoint."

/** Each fact with its key in each vocabulary that has one. */
const keys: Readonly<Record<keyof CheckpointFacts, Keys>> = {
  name: ["name", "name", "container.name"],
  rawImageName: ["rawImageName", "rawImageName", "rawImageName"],
  rootfsImageId: ["rootfsImageID", "rootfsImageID", "rootfsImageID"],
  rootfsImageName: ["rootfsImageName", "rootfsImageName", "rootfsImageName"],
  engineName: [undefined, undefined, "engine.name"],
  engineVersion: ["podman.version", undefined, "engine.version"],
  criuVersion: ["criu.version", "criu.version", "criu.version"],
  runtimeName: ["runtime.name", undefined, "runtime.name"],
  runtimeVersion: ["runtime.version", undefined, "runtime.version"],
  conmonVersion: ["conmon.version", undefined, "conmon.version"],
  hostArchitecture: ["host.arch", undefined, "host.arch"],
  hostKernel: ["host.kernel", undefined, "host.kernel"],
  cgroupVersion: ["cgroups.version", undefined, "cgroup.version"],
  distributionName: ["distribution.name", undefined, "distribution.name"],
  distributionVersion: ["distribution.version", undefined, "distribution.version"],
}

const families = [podman, crio, criu] as const

/** The annotations of a checkpoint image, sorted by key. */
export const checkpointAnnotations = (facts: CheckpointFacts): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(keys)
      .flatMap(([fact, names]) =>
        families.flatMap((family, at) => {
          const name = names[at]
          return name === undefined ? [] : [[`${family}${name}`, String(facts[fact as keyof CheckpointFacts])] as const]
        }),
      )
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  )

/** What a stranger's annotations say; facts that are not there are left out. */
export const factsFromAnnotations = (
  annotations: Readonly<Record<string, string>>,
): Partial<Record<keyof CheckpointFacts, string>> =>
  Object.fromEntries(
    Object.entries(keys).flatMap(([fact, names]) => {
      const value = families
        .map((family, at) => annotations[`${family}${names[at]}`])
        .find((found) => found !== undefined)
      return value === undefined ? [] : [[fact, value] as const]
    }),
  )

/** An image is a checkpoint when any of the vocabularies names the container (`podman` also goes by the runtime). */
export const isCheckpointImage = (annotations: Readonly<Record<string, string>>): boolean =>
  [`${podman}runtime.name`, `${crio}name`, `${criu}container.name`].some((key) => annotations[key] !== undefined)
