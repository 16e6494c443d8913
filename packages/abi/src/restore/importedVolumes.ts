/**
 * What a stranger's container mounts of its own, as mounts of ours, and the volumes that must be there for it. Pure.
 *
 * A volume is made anew with the labels and options that it had. What would reach into this host is left out, and told: a
 * volume that was a device, a directory or a server's becomes a plain one with the same content.
 */
import { CheckpointInvalid, type ContainerMount } from "@cryopod/entities"
import { volumeMember, type LibpodVolume } from "@cryopod/checkpoint"
import * as Result from "effect/Result"
import type { OpenedCheckpoint } from "./open.ts"

export interface ImportedVolume {
  readonly name: string
  /** The member with its content. */
  readonly member: string
  readonly anonymous: boolean
  readonly labels: Readonly<Record<string, string>>
  /** As `volume create --opt` takes them. */
  readonly options: Readonly<Record<string, string>>
}

export interface ImportedMounts {
  readonly mounts: ReadonlyArray<ContainerMount>
  /** Each once, however often it is mounted. */
  readonly volumes: ReadonlyArray<ImportedVolume>
  /** What was left out, one sentence each. */
  readonly dropped: ReadonlyArray<string>
}

export const importedMounts = (
  { config, source, spec }: Pick<OpenedCheckpoint, "config" | "source" | "spec">,
  /** The name that a volume gets here. */
  nameHere: (volume: Pick<ImportedVolume, "name" | "anonymous">) => string,
): Result.Result<ImportedMounts, CheckpointInvalid> => {
  const mounts: Array<ContainerMount> = []
  const volumes = new Map<string, ImportedVolume>()
  const dropped: Array<string> = []
  for (const volume of config.namedVolumes ?? []) {
    const { dest: destination, options, volumeName } = volume
    const refuse = (problem: string) =>
      Result.fail(new CheckpointInvalid({ source, member: "config.dump", problem: `volume ${volumeName}: ${problem}` }))
    if ((volume.SubPath ?? "") !== "") return refuse("a directory within a volume cannot be mounted")
    if (!spec.mounts.some((mount) => mount.destination === destination)) return refuse("spec.dump does not mount it")
    const anonymous = isAnonymous(volume)
    const known = volumes.get(volumeName)
    const name = known?.name ?? nameHere({ name: volumeName, anonymous })
    mounts.push({ type: "volume", name, anonymous, destination, options: options ?? [] })
    if (known !== undefined) continue
    const made = portableOptions(volume.driverOptions ?? {})
    volumes.set(volumeName, {
      name,
      member: volumeMember(volumeName),
      anonymous,
      labels: volume.labels ?? {},
      options: made.options,
    })
    dropped.push(...made.dropped.map((option) => `option ${option} of volume ${volumeName}`))
  }
  const own = new Set(config.userVolumes ?? [])
  for (const { destination, options, type } of spec.mounts) {
    if (type === "tmpfs" && own.has(destination)) mounts.push({ type: "tmpfs", destination, options: options ?? [] })
  }
  return Result.succeed({ mounts, volumes: [...volumes.values()], dropped })
}

/** libpod tells it only of those that are not named as it names such volumes. */
const isAnonymous = ({ setAnonymous, volumeName }: LibpodVolume): boolean =>
  setAnonymous === true || /^[0-9a-f]{64}$/.test(volumeName)

const memory = "tmpfs"

/** Of the words for a mount, those that say how, and never of what. */
const harmless =
  /^(?:ro|rw|(?:no)?(?:suid|dev|exec|atime)|relatime|size=\d+[kmg%]?|nr_inodes=\d+[kmg]?|mode=[0-7]+|[ug]id=\d+)$/i

const portableOptions = (
  options: Readonly<Record<string, string>>,
): { readonly options: Readonly<Record<string, string>>; readonly dropped: ReadonlyArray<string> } => {
  const { GID, UID, device = "", o = "", type = "" } = options
  const words = o.split(",").filter((word) => word !== "")
  const isMemory = type === memory
  const isPlain = type === "" && device === ""
  const fits = (word: string) => harmless.test(word) && (isMemory || /^[ug]id=/i.test(word))
  const kept = isMemory || isPlain ? words.filter(fits) : []
  return {
    options: {
      ...(isMemory ? { type: memory, device: memory } : {}),
      ...(kept.length > 0 ? { o: kept.join(",") } : {}),
      ...(UID === undefined || !/^\d+$/.test(UID) ? {} : { UID }),
      ...(GID === undefined || !/^\d+$/.test(GID) ? {} : { GID }),
    },
    dropped: [
      ...(isMemory || isPlain ? [] : [`type=${type}`, `device=${device}`]),
      ...words.filter((word) => !kept.includes(word)).map((word) => `o=${word}`),
    ],
  }
}
