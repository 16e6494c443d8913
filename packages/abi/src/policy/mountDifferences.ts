/**
 * Mounts of a checkpoint held against its configuration and a policy. Pure.
 *
 * CRIU makes every mount that its images list, as root and before the container has a root of its own: what is not one of
 * the configuration's, or of another kind, could be a disk of the host. No process of a container that asks for
 * nothing special can mount, so there are no others.
 */
import { dirname } from "node:path"
import { fileSystemTypes } from "@cryopod/criu"
import type { PolicyDifference, RestorePolicy } from "@cryopod/entities"
import { isBindMount, type OciSpec, type SpecMount } from "@cryopod/runtime"
import { kernelFileSystems } from "../restore/importedSpec.ts"
import type { Claims } from "./differences.ts"

export const mountDifferences = (
  claims: Pick<Claims, "images" | "spec" | "kernelHas">,
  policy: RestorePolicy,
): ReadonlyArray<PolicyDifference> => [
  ...specMountDifferences(claims.spec, policy),
  ...imageMountDifferences(claims, policy),
]

interface KernelPaths {
  readonly maskedPaths?: ReadonlyArray<string> | null
  readonly readonlyPaths?: ReadonlyArray<string> | null
}

/** What a container that may write there could change of the host; hidden or read-only in every one that is not privileged. */
const writablePaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
/** What would tell a container of the host's memory and keys. */
const tellingPaths = ["/proc/kcore", "/proc/keys", "/sys/firmware"]

const difference = (subject: string, finding: string, reason: string, remedy: string): PolicyDifference => ({
  subject,
  finding,
  reason,
  remedy,
})

const anyKernelFiles = 'let the policy say "any" for kernelFiles'
/** The remedy where image files and configuration do not agree. */
export const unfaithful = "get a checkpoint whose images agree with its configuration, or have no policy at all"

const specMountDifferences = (spec: OciSpec, policy: RestorePolicy): ReadonlyArray<PolicyDifference> => {
  const found: Array<PolicyDifference> = []
  for (const { destination, source = "", type = "", ...mount } of spec.mounts as ReadonlyArray<Partial<SpecMount>>) {
    const path = destination ?? ""
    const options = mount.options ?? []
    // crun up to 1.30 takes what follows for the end of a name (CVE-2026-115520)
    if (!path.startsWith("/") || path.includes("]:") || path.split("/").includes("..")) {
      found.push(
        difference(
          "configuration",
          `a mount on ${JSON.stringify(path)}`,
          "no container has such a mount point",
          unfaithful,
        ),
      )
    }
    if (isBindMount({ destination: path, source, type, options })) continue
    if (!kernelFileSystems.has(type) && policy.fileSystems !== "any" && !policy.fileSystems.includes(type)) {
      found.push(
        difference(
          "configuration",
          `a file system of type ${type || "none"} from ${source} on ${path}`,
          "it could be a disk of the host",
          `let the policy have ${JSON.stringify(type)} in fileSystems`,
        ),
      )
    }
    if (policy.kernelFiles === "protected" && writableKernel.has(type) && !options.includes("ro")) {
      found.push(
        difference("configuration", `a writable ${type} on ${path}`, "it changes the host's kernel", anyKernelFiles),
      )
    }
  }
  if (policy.kernelFiles === "any") return found
  const { maskedPaths, readonlyPaths } = spec.linux as KernelPaths
  const covered = new Set([...(maskedPaths ?? []), ...(readonlyPaths ?? []), ...spec.mounts.map((m) => m.destination)])
  const open = [...writablePaths, ...tellingPaths].filter((path) => !covered.has(path))
  if (open.length > 0) {
    found.push(
      difference(
        "configuration",
        open.join(", "),
        "files of the host's kernel, neither hidden nor read-only",
        anyKernelFiles,
      ),
    )
  }
  return found
}

/** Of these, a container that asks for nothing special has none that it can write to. */
const writableKernel = new Set(["sysfs", "cgroup", "cgroup2"])

/** What the kernel makes for every container. */
const imageTypes = new Set(["proc", "sysfs", "tmpfs", "devpts", "cgroup", "mqueue", "cgroup2"])

/** Undefined for every other type. */
const imageType = (fstype: number): string | undefined => {
  const type = fileSystemTypes[fstype]?.toLowerCase()
  return type !== undefined && imageTypes.has(type) ? type : undefined
}

/** Linux `include/uapi/linux/mount.h`, MS_RDONLY. */
const readOnlyFlag = 1

const imageMountDifferences = (
  { images: { mounts }, kernelHas, spec }: Parameters<typeof mountDifferences>[0],
  policy: RestorePolicy,
): ReadonlyArray<PolicyDifference> => {
  const configured = new Map(spec.mounts.map((mount) => [plain(mount.destination), mount]))
  const { maskedPaths, readonlyPaths } = spec.linux as KernelPaths
  const hidden = new Set((maskedPaths ?? []).map(plain))
  const readOnly = new Set((readonlyPaths ?? []).map(plain))
  const at = new Map(mounts.map((mount) => [plain(mount.mountpoint), mount]))
  const found: Array<PolicyDifference> = []
  const say = (path: string, finding: string, reason: string) =>
    found.push(difference(`mount on ${path}`, finding, reason, unfaithful))
  const seen = new Set<string>()
  for (const mount of mounts) {
    const path = plain(mount.mountpoint)
    if (seen.has(path)) say(path, "is there twice", "one would hide the other")
    seen.add(path)
    if (path === "/") continue
    if (path.split("/").includes("..") || path.includes("]:")) say(path, "a path like this", "the kernel names none so")
    if (at.get(above(path, at))?.mnt_id !== mount.parent_mnt_id)
      say(path, "is out of its place", "another mount hides it")
    const isExternal = mount.ext_key !== undefined && mount.ext_key !== ""
    const type = imageType(mount.fstype)
    if (!isExternal && type === undefined) {
      say(path, `a file system from ${JSON.stringify(mount.source)}`, "it could be a disk of the host")
      continue
    }
    // of cgroups v1, the runtime mounts every hierarchy in a file system in memory (runc `rootfs_linux.go`, mountCgroupV1)
    const parent = configured.get(dirname(path))
    const known = configured.get(path) ?? (parent?.type === "cgroup" && type === "cgroup" ? parent : undefined)
    const isReadOnly = (mount.flags & readOnlyFlag) !== 0
    if (known !== undefined) {
      // runc hands hierarchies of cgroups v1 in from outside, as it does with bind mounts
      const other = isBindMount({ ...known, options: known.options ?? [] })
        ? !isExternal && type !== "tmpfs"
        : isExternal && type !== "tmpfs" && type !== "cgroup"
      if (other) say(path, `a mount of ${type ?? "a host's file"}`, "the configuration has another one there")
      if ((known.options ?? []).includes("ro") && !isReadOnly && !(known.type === "cgroup" && type === "tmpfs"))
        say(path, "is writable", "the configuration has it read-only")
    } else if (readOnly.has(path)) {
      if (!isReadOnly) say(path, "is writable", "the configuration has it read-only")
    } else if (hidden.has(path)) {
      // something of nobody's: `/dev/null`, or an empty file system
      if (!isExternal && (type !== "tmpfs" || !isReadOnly))
        say(path, `a mount of ${type}`, "the configuration hides it")
    } else if (path !== "/dev/console") {
      say(path, `a mount of ${type ?? "a host's file"}`, "the configuration has no such mount")
    }
  }
  if (policy.kernelFiles === "any") return found
  for (const path of [...writablePaths, ...tellingPaths]) {
    // what this kernel has and the images do not cover would be open
    if ((hidden.has(path) || readOnly.has(path)) && !seen.has(path) && kernelHas(path))
      found.push(difference("images", path, "a file of the host's kernel that they do not cover", anyKernelFiles))
  }
  return found
}

/** `/dev/` → `/dev`. */
const plain = (path: string): string => (path.length > 1 ? path.replace(/\/+$/, "") : path)

/** The mount point nearest above. */
const above = (path: string, at: ReadonlyMap<string, unknown>): string => {
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    if (at.has(path.slice(0, end))) return path.slice(0, end)
  }
  return "/"
}
