/**
 * The members of a checkpoint, declared once: what an archive or an image layer holds, what a restore needs, what is
 * taken in from strangers.
 *
 * Source of the names: Podman 5.4 `pkg/checkpoint/crutils`, checkpointctl `lib/metadata.go`; `status.dump`: containerd 2.1
 * `internal/cri/server/container_checkpoint_linux.go`.
 */

export interface CheckpointMember {
  readonly name: string
  readonly kind: "file" | "directory"
  /** A checkpoint without it cannot be restored. */
  readonly required: boolean
  /** Longest that is taken in, for files that are read whole. */
  readonly maxBytes?: number
  readonly purpose: string
}

const documentBytes = 16 << 20

export const checkpointMembers = {
  config: {
    name: "config.dump",
    kind: "file",
    required: true,
    maxBytes: documentBytes,
    purpose: "libpod's configuration of the container",
  },
  spec: {
    name: "spec.dump",
    kind: "file",
    required: true,
    maxBytes: documentBytes,
    purpose: "OCI runtime configuration",
  },
  images: { name: "checkpoint", kind: "directory", required: true, purpose: "CRIU's image files" },
  previousImages: {
    name: "pre-checkpoint",
    kind: "directory",
    required: false,
    purpose: "CRIU's image files of a pre-checkpoint: memory that `checkpoint` builds on",
  },
  networkStatus: {
    name: "network.status",
    kind: "file",
    required: false,
    maxBytes: documentBytes,
    purpose: "addresses the container had",
  },
  rootfsDiff: { name: "rootfs-diff.tar", kind: "file", required: false, purpose: "added and changed files" },
  deletedFiles: {
    name: "deleted.files",
    kind: "file",
    required: false,
    maxBytes: 4 * documentBytes,
    purpose: "removed paths, a JSON array",
  },
  shm: { name: "devshm-checkpoint.tar", kind: "file", required: false, purpose: "contents of /dev/shm" },
  log: { name: "ctr.log", kind: "file", required: false, purpose: "output so far" },
  artifacts: { name: "artifacts", kind: "directory", required: false, purpose: "files of the engine's own" },
  dumpStatistics: {
    name: "stats-dump",
    kind: "file",
    required: false,
    maxBytes: documentBytes,
    purpose: "CRIU's statistics of the dump",
  },
  volumes: { name: "volumes", kind: "directory", required: false, purpose: "contents of named volumes, one tar each" },
  podOptions: {
    name: "pod.options",
    kind: "file",
    required: false,
    maxBytes: documentBytes,
    purpose: "pod the container was in",
  },
  podDump: {
    name: "pod.dump",
    kind: "file",
    required: false,
    maxBytes: documentBytes,
    purpose: "pod the container was in, as a whole",
  },
  status: {
    name: "status.dump",
    kind: "file",
    required: false,
    maxBytes: documentBytes,
    purpose: "containerd's state of the container; not used",
  },
} as const satisfies Record<string, CheckpointMember>

const members: ReadonlyArray<CheckpointMember> = Object.values(checkpointMembers)

/** The member with the content of a volume: a tar archive that is not compressed, whatever is around it. */
export const volumeMember = (name: string): string => `${checkpointMembers.volumes.name}/${name}.tar`

/** True for the path of a member or of something inside a member directory. */
export const isCheckpointPath = (path: string): boolean => memberOf(path) !== undefined

/** The member that a path is, or lies in. */
export const memberOf = (path: string): CheckpointMember | undefined =>
  members.find(({ kind, name }) => path === name || (kind === "directory" && path.startsWith(`${name}/`)))

/** The members that a restore cannot do without, and the files that a dump ends with. */
export const requiredPaths = (): ReadonlyArray<string> => [
  ...members.filter(({ required }) => required).map(({ name }) => name),
  ...completeDumpFiles.map((file) => `${checkpointMembers.images.name}/${file}`),
]

/** Every member of its own, without what lies in directories. */
export const memberKinds: ReadonlyArray<Pick<CheckpointMember, "name" | "kind">> = members

/** CRIU's own list of what it has dumped. */
export const inventory = "inventory.img"

/** Files that CRIU and the runtime write last: with both, a dump is complete. */
export const completeDumpFiles = [inventory, "descriptors.json"] as const

/**
 * How CRIU finds the pages that have not changed since the dump before: a link in the directory of its images. Podman has
 * it relative, so that the checkpoint can move (checkpoint-restore/criu issue 116).
 */
export const parentLink = {
  name: `${checkpointMembers.images.name}/parent`,
  target: `../${checkpointMembers.previousImages.name}`,
}

/** What a checkpoint may hold at the most; both bounds are far above anything CRIU writes. */
export const checkpointLimits = { maxMembers: 100_000, maxBytes: 2 ** 44 }

/** How an archive or a layer is unpacked from a stranger (`UnpackRules`). */
export const checkpointRules = {
  ...checkpointLimits,
  accepts: isCheckpointPath,
  maxMemberBytes: (path: string) => memberOf(path)?.maxBytes,
  links: { [parentLink.name]: parentLink.target },
}
