/**
 * The members of a checkpoint, declared once: what an archive or an image layer holds, what a restore needs, what is
 * taken in from strangers.
 *
 * Source of the names: Podman 5.4 `pkg/checkpoint/crutils`, checkpointctl `lib/metadata.go`.
 */

export interface CheckpointMember {
  readonly name: string
  readonly kind: "file" | "directory"
  /** A checkpoint without it cannot be restored. */
  readonly required: boolean
  readonly purpose: string
}

export const checkpointMembers = {
  config: { name: "config.dump", kind: "file", required: true, purpose: "libpod's configuration of the container" },
  spec: { name: "spec.dump", kind: "file", required: true, purpose: "OCI runtime configuration" },
  images: { name: "checkpoint", kind: "directory", required: true, purpose: "CRIU's image files" },
  networkStatus: { name: "network.status", kind: "file", required: false, purpose: "addresses the container had" },
  rootfsDiff: { name: "rootfs-diff.tar", kind: "file", required: false, purpose: "added and changed files" },
  deletedFiles: { name: "deleted.files", kind: "file", required: false, purpose: "removed paths, a JSON array" },
  shm: { name: "devshm-checkpoint.tar", kind: "file", required: false, purpose: "contents of /dev/shm" },
  log: { name: "ctr.log", kind: "file", required: false, purpose: "output so far" },
  artifacts: { name: "artifacts", kind: "directory", required: false, purpose: "files of the engine's own" },
  dumpStatistics: { name: "stats-dump", kind: "file", required: false, purpose: "CRIU's statistics of the dump" },
  volumes: { name: "volumes", kind: "directory", required: false, purpose: "contents of named volumes, one tar each" },
  podOptions: { name: "pod.options", kind: "file", required: false, purpose: "pod the container was in" },
  podDump: { name: "pod.dump", kind: "file", required: false, purpose: "pod the container was in, as a whole" },
} as const satisfies Record<string, CheckpointMember>

const members: ReadonlyArray<CheckpointMember> = Object.values(checkpointMembers)

/** True for the path of a member or of something inside a member directory. */
export const isCheckpointPath = (path: string): boolean =>
  members.some(({ kind, name }) => path === name || (kind === "directory" && path.startsWith(`${name}/`)))

/** Files that CRIU and the runtime write last: with both, a dump is complete. */
export const completeDumpFiles = ["inventory.img", "descriptors.json"] as const

/** What a checkpoint may hold at the most; both bounds are far above anything CRIU writes. */
export const checkpointLimits = { maxMembers: 100_000, maxBytes: 2 ** 44 }
