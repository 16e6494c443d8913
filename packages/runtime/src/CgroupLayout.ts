/**
 * How cgroups are mounted on this host (cgroups(7)): one v2 hierarchy, v1 controllers each on their own, or both
 * (hybrid), where v2 has no controllers.
 */
import { readFileSync, readlinkSync } from "node:fs"
import { mounted } from "@cryopod/host"

export type CgroupLayout = "v1" | "hybrid" | "v2"

/** Told from `/proc/self/mountinfo`. */
export const cgroupLayout = (mountinfo?: string): CgroupLayout => {
  const mounts = mounted(mountinfo).filter(({ point }) => point.startsWith("/sys/fs/cgroup"))
  if (mounts.some(({ point, type }) => point === "/sys/fs/cgroup" && type === "cgroup2")) return "v2"
  return mounts.some(({ type }) => type === "cgroup2") ? "hybrid" : "v1"
}

/**
 * True when what CRIU would dump of a process's cgroups is its container's own: in every hierarchy of the kernel, mounted
 * here or not, it sits in the cgroup named after the container. In v2 it may also sit at the root of a cgroup namespace,
 * where a runtime that works with v1 leaves it: CRIU sees no more of v2 than that, and it has no limits to put back.
 *
 * `cgroups` is `/proc/PID/cgroup`: a line `ID:CONTROLLERS:PATH` for each hierarchy, `0::PATH` for v2.
 */
export const hasOwnCgroups = (cgroups: string, own: string, root: "host" | "namespace"): boolean =>
  cgroups
    .split("\n")
    .filter((line) => line !== "")
    .every((line) => line.endsWith(own) || (line === "0::/" && root === "namespace"))

export const cgroupsOf = (pid: number): string => readFileSync(`/proc/${pid}/cgroup`, "utf8")

/** Inode of the machine's first cgroup namespace (Linux `include/linux/proc_ns.h`, PROC_CGROUP_INIT_INO). */
const firstNamespace = "cgroup:[4026531835]"

/** Whether the root that this process sees is the machine's or that of a namespace. */
export const cgroupRoot = (): "host" | "namespace" =>
  readlinkSync("/proc/self/ns/cgroup") === firstNamespace ? "host" : "namespace"

/** The word OCI runtimes and libpod use: hybrid counts as v1. */
export const cgroupVersion = (layout: CgroupLayout): "v1" | "v2" => (layout === "v2" ? "v2" : "v1")
