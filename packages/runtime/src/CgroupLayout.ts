/**
 * How cgroups are mounted on this host (cgroups(7)): one v2 hierarchy, v1 controllers each on their own, or both
 * (hybrid), where v2 has no controllers.
 */
import { readFileSync } from "node:fs"

export type CgroupLayout = "v1" | "hybrid" | "v2"

/** Told from `/proc/self/mountinfo`. */
export const cgroupLayout = (mountinfo: string = readFileSync("/proc/self/mountinfo", "utf8")): CgroupLayout => {
  const mounts = mountinfo
    .split("\n")
    .map((line) => line.split(" "))
    .flatMap((words) => {
      const dash = words.indexOf("-")
      return dash < 0 ? [] : [{ point: words[4] ?? "", type: words[dash + 1] ?? "" }]
    })
    .filter(({ point }) => point.startsWith("/sys/fs/cgroup"))
  if (mounts.some(({ point, type }) => point === "/sys/fs/cgroup" && type === "cgroup2")) return "v2"
  return mounts.some(({ type }) => type === "cgroup2") ? "hybrid" : "v1"
}

/** The word OCI runtimes and libpod use: hybrid counts as v1. */
export const cgroupVersion = (layout: CgroupLayout): "v1" | "v2" => (layout === "v2" ? "v2" : "v1")
