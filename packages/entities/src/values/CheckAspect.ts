/** What is asked of a host before a checkpoint is restored there. */

export const checkAspects = [
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
