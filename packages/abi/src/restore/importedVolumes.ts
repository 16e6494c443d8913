/**
 * What a stranger's container mounts of its own, as mounts of ours, and the volumes that must be there for it. Pure.
 *
 * A volume is made anew with the labels and options that it had. What would reach into this host is left out, and told: a
 * volume that was a device, a directory or a server's becomes a plain one with the same content.
 */
import {
  CheckpointInvalid,
  type ContainerMount,
  MountInvalid,
  type ReplacedMounts,
  unmatchedReplacement,
} from "@cryopod/entities"
import { isBindMount, isEngineDestination, type SpecMount } from "@cryopod/runtime"
import { volumeMember, type LibpodVolume } from "@cryopod/checkpoint"
import * as Result from "effect/Result"
import type { OpenedCheckpoint } from "./open.ts"

export interface ImportedVolume {
  readonly name: string
  /** The member with its content; absent for a volume that the checkpoint knows nothing of. */
  readonly member?: string
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

export interface MountWishes {
  /** What the caller wants in place of what the checkpoint has. */
  readonly replaced: ReplacedMounts
  /** The name that an anonymous volume gets here. */
  readonly anonymous: (name: string) => string
}

type Failure = CheckpointInvalid | MountInvalid

export const importedMounts = (
  { config, source, spec }: Pick<OpenedCheckpoint, "config" | "source" | "spec">,
  wishes: MountWishes,
): Result.Result<ImportedMounts, Failure> => {
  const own = ownMounts(config, spec)
  const unmatched = unmatchedReplacement(
    wishes.replaced,
    own.filter(({ type }) => type !== "tmpfs").map(({ destination }) => destination),
  )
  if (unmatched !== undefined) return Result.fail(unmatched)
  const described = new Map((config.namedVolumes ?? []).map((volume) => [volume.volumeName, volume]))
  for (const { SubPath = "", dest, volumeName } of config.namedVolumes ?? []) {
    const refuse = (problem: string) =>
      Result.fail(new CheckpointInvalid({ source, member: "config.dump", problem: `volume ${volumeName}: ${problem}` }))
    if (SubPath !== "") return refuse("a directory within a volume cannot be mounted")
    if (!spec.mounts.some(({ destination }) => destination === dest)) return refuse("spec.dump does not mount it")
  }
  const mounts = own.flatMap((mount) => importedMount(mount, wishes))
  const volumes = new Map<string, ImportedVolume>()
  const dropped: Array<string> = []
  for (const before of own) {
    const now = mounts.find(({ destination }) => destination === before.destination)
    const volume = before.type === "volume" ? described.get(before.name) : undefined
    if (now?.type !== "volume") {
      if (volume !== undefined) dropped.push(`volume ${volume.volumeName} on ${before.destination}`)
      continue
    }
    const made = portableOptions(volume?.driverOptions ?? {})
    const known = volumes.get(now.name)
    const member = volume === undefined ? undefined : volumeMember(volume.volumeName)
    if (known !== undefined && known.member !== member)
      return Result.fail(new MountInvalid({ problem: "twoInOne", value: now.name }))
    if (known !== undefined) continue
    volumes.set(now.name, {
      name: now.name,
      ...(member === undefined ? {} : { member }),
      anonymous: now.anonymous,
      labels: volume?.labels ?? {},
      options: made.options,
    })
    dropped.push(...made.dropped.map((option) => `option ${option} of volume ${volume?.volumeName ?? ""}`))
  }
  return Result.succeed({ mounts, volumes: [...volumes.values()], dropped })
}

/** The mounts that not every container has, as the checkpoint tells them. */
const ownMounts = (
  { namedVolumes, userVolumes }: OpenedCheckpoint["config"],
  { mounts }: OpenedCheckpoint["spec"],
): ReadonlyArray<ContainerMount> => {
  const volumes = (namedVolumes ?? []).map((volume): ContainerMount => ({
    type: "volume",
    name: volume.volumeName,
    anonymous: isAnonymous(volume),
    destination: volume.dest,
    options: volume.options ?? [],
  }))
  const taken = new Set(volumes.map(({ destination }) => destination))
  const users = new Set(userVolumes ?? [])
  return [...volumes, ...mounts.filter(({ destination }) => !taken.has(destination)).flatMap(otherMount(users))]
}

/** Every directory or file of the other host that was not its engine's; of what lies in memory, what somebody asked for. */
const otherMount =
  (users: ReadonlySet<string>) =>
  ({ destination, source, type, ...mount }: SpecMount): ReadonlyArray<ContainerMount> => {
    const options = mount.options ?? []
    if (isBindMount({ destination, options, source, type })) {
      return isEngineDestination(destination) ? [] : [{ type: "bind", source, destination, options }]
    }
    return type === "tmpfs" && users.has(destination) ? [{ type: "tmpfs", destination, options }] : []
  }

/** A directory of another host is mounted only where the caller says which one of this host is meant. */
const importedMount = (mount: ContainerMount, { anonymous, replaced }: MountWishes): ReadonlyArray<ContainerMount> => {
  const wanted = replaced.get(mount.destination)
  if (wanted !== undefined) return [{ ...wanted, options: mount.options }]
  if (mount.type === "bind") return []
  return mount.type === "volume" && mount.anonymous ? [{ ...mount, name: anonymous(mount.name) }] : [mount]
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
