/** What is asked of a host before a container is checkpointed or a checkpoint restored there. */

export const checkAspects = [
  // of a container that is to be frozen
  "state",
  "processes",
  "neighbours",
  "connections",
  "fileLocks",
  "files",
  "rootfs",
  "destination",
  // of a checkpoint that is to be restored; some are asked of both
  "policy",
  "architecture",
  "kernel",
  "criu",
  "cpu",
  "cgroups",
  "securityModule",
  "runtime",
  "pod",
  "name",
  "network",
  "mounts",
  "baseImage",
  "space",
  "memory",
] as const
export type CheckAspect = (typeof checkAspects)[number]

/** What may be right although it looks wrong from here: a caller who knows better can insist. */
export const forcibleAspects = ["criu", "cpu", "securityModule", "space", "memory"] as const
export type ForcibleAspect = (typeof forcibleAspects)[number]
