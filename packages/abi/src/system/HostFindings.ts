/**
 * What `system check` finds of the host itself: privileges, kernel, cgroups, file systems.
 *
 * Plain decisions on a reading of the host; every finding that limits anything has a remedy.
 */
import type { HostFinding } from "@cryopod/entities"
import type { CgroupLayout } from "@cryopod/runtime"
import type { HostReading } from "./HostReading.ts"

/** Bit numbers: Linux `include/uapi/linux/capability.h`. */
const capSysAdmin = 21n
const capSysResource = 24n

export const hostFindings = (reading: HostReading): ReadonlyArray<HostFinding> => [
  privilege(reading),
  fine("kernel", reading.kernelRelease),
  architecture(reading),
  cgroups(reading),
  memoryTracking(reading),
  lazyMemory(reading),
  overlay(reading),
  space(reading),
  resourceLimits(reading),
  tracing(reading),
  securityModule(reading),
]

/** True when nothing stops a checkpoint or a restore. */
export const hostFit = (findings: ReadonlyArray<HostFinding>): boolean =>
  findings.every(({ status }) => status !== "unfit")

const fine = (name: string, value: string): HostFinding => ({ name, value, status: "ok", problem: "", remedy: "" })

const has = (reading: HostReading, capability: bigint) => ((reading.effectiveCapabilities >> capability) & 1n) === 1n

const privilege = (reading: HostReading): HostFinding => {
  if (reading.uid === 0 && has(reading, capSysAdmin)) return fine("privileges", "root")
  return reading.uid === 0
    ? {
        name: "privileges",
        value: "root without CAP_SYS_ADMIN",
        status: "unfit",
        problem: "containers need mounts and namespaces, and CRIU needs all privileges",
        remedy: "run outside of an unprivileged container, or give that container all capabilities",
      }
    : {
        name: "privileges",
        value: `user ${reading.uid}`,
        status: "unfit",
        problem: "checkpointing and restoring a container requires root",
        remedy: "run as root",
      }
}

const architecture = ({ architecture: name }: HostReading): HostFinding =>
  name === "amd64" || name === "arm64"
    ? fine("architecture", name)
    : {
        name: "architecture",
        value: name,
        status: "limited",
        problem: "nobody has tried checkpoints on this architecture with this engine",
        remedy: "use amd64 or arm64 where it matters",
      }

/** How the layout was told: by the type of the mounts at and below /sys/fs/cgroup. */
const cgroupWords: Readonly<Record<CgroupLayout, string>> = {
  v2: "v2 (cgroup2 mounted on /sys/fs/cgroup)",
  v1: "v1 (controllers mounted below /sys/fs/cgroup)",
  hybrid: "hybrid (v1 controllers and cgroup2 mounted below /sys/fs/cgroup)",
}

const cgroups = ({ cgroups: layout, hybridControllers }: HostReading): HostFinding =>
  hybridControllers === ""
    ? fine("cgroups", cgroupWords[layout])
    : {
        name: "cgroups",
        value: cgroupWords[layout],
        status: "limited",
        problem: "crun refuses this layout; runc works",
        remedy: "use runc, or boot with one hierarchy (systemd.unified_cgroup_hierarchy=1)",
      }

const memoryTracking = ({ memoryTracking: supported }: HostReading): HostFinding =>
  feature("memory tracking", supported, {
    problem: "checkpoints in several rounds cannot be made; single ones can",
    remedy: "use a kernel with CONFIG_MEM_SOFT_DIRTY",
  })

const lazyMemory = ({ userfaultfd: supported }: HostReading): HostFinding =>
  feature("userfaultfd", supported, {
    problem: "memory cannot be loaded while a restored container runs; restores load it at once",
    remedy: "use a kernel with CONFIG_USERFAULTFD",
  })

const feature = (
  name: string,
  supported: boolean | undefined,
  otherwise: { readonly problem: string; readonly remedy: string },
): HostFinding => {
  if (supported === true) return fine(name, "supported")
  return supported === false
    ? { name, value: "not supported", status: "limited", ...otherwise }
    : { name, value: "unknown", status: "limited", problem: "CRIU could not be asked", remedy: "install CRIU" }
}

const overlay = ({ overlay: available }: HostReading): HostFinding =>
  available
    ? fine("overlay file systems", "available")
    : {
        name: "overlay file systems",
        value: "not available",
        status: "unfit",
        problem: "root filesystems of containers cannot be mounted",
        remedy: "load the kernel module overlay, or use a kernel with CONFIG_OVERLAY_FS",
      }

/** Less than this and a checkpoint of nearly any program is in danger. */
const comfortableBytes = 2 ** 30

const space = ({ availableBytes, root }: HostReading): HostFinding => {
  const value = `${(availableBytes / 2 ** 30).toFixed(1)} GiB in ${root}`
  return availableBytes >= comfortableBytes
    ? fine("free space", value)
    : {
        name: "free space",
        value,
        status: "limited",
        problem: "a checkpoint takes as much room as the container has memory",
        remedy: "make room, or put the root directory on another file system",
      }
}

const resourceLimits = (reading: HostReading): HostFinding =>
  has(reading, capSysResource)
    ? fine("resource limits", "can be raised")
    : {
        name: "resource limits",
        value: "cannot be raised (no CAP_SYS_RESOURCE)",
        status: "limited",
        problem: "containers whose hard limits are above those of this process cannot be started or restored",
        remedy: "run with CAP_SYS_RESOURCE, or give containers lower limits",
      }

/** Linux `Documentation/admin-guide/LSM/Yama.rst`: 3 is "no attach", and lasts until the next boot. */
const tracing = ({ ptraceScope }: HostReading): HostFinding =>
  ptraceScope === "3"
    ? {
        name: "process tracing",
        value: "forbidden (ptrace_scope is 3)",
        status: "unfit",
        problem: "CRIU cannot look into any process",
        remedy: "boot with kernel.yama.ptrace_scope below 3",
      }
    : fine("process tracing", ptraceScope === "" ? "allowed" : `allowed to root (ptrace_scope is ${ptraceScope})`)

const securityModule = ({ apparmor, selinux }: HostReading): HostFinding => {
  const name = "security module"
  if (selinux === "1") {
    return {
      name,
      value: "SELinux, enforcing",
      status: "limited",
      problem: "containers get no label of their own, and the policy may refuse what CRIU does",
      remedy: "if a checkpoint is refused, allow it in the policy",
    }
  }
  if (selinux === "0") return fine(name, "SELinux, permissive")
  return fine(name, apparmor === "Y" ? "AppArmor" : "none")
}
