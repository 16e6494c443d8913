/** One reading of what `system check` judges the host by. Nothing is changed by it. */
import * as fs from "node:fs"
import * as os from "node:os"
import { dirname } from "node:path"
import type { StorageFailed } from "@cryopod/entities"
import { attemptSync, Layout, type Tools } from "@cryopod/host"
import { type CgroupLayout, cgroupLayout } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { goArchitecture } from "./HostFacts.ts"
import { criuCheck } from "./ToolFindings.ts"

export interface HostReading {
  readonly uid: number
  /** `CapEff` of `/proc/self/status`, one bit per capability (capabilities(7)). */
  readonly effectiveCapabilities: bigint
  readonly kernelRelease: string
  readonly architecture: string
  readonly cgroups: CgroupLayout
  readonly hybridControllers: string
  /** Whether CRIU says that this kernel has them; undefined when it could not be asked. */
  readonly memoryTracking: boolean | undefined
  readonly userfaultfd: boolean | undefined
  /** Overlay file systems can be mounted, or the module for them can be loaded. */
  readonly overlay: boolean
  readonly root: string
  readonly availableBytes: number
  /** `/sys/module/apparmor/parameters/enabled` and `/sys/fs/selinux/enforce`; empty when there is no such file. */
  readonly apparmor: string
  readonly selinux: string
  /** `/proc/sys/kernel/yama/ptrace_scope`; empty when there is no such file. */
  readonly ptraceScope: string
}

export const readHost = Effect.fnUntraced(function* (): Effect.fn.Return<HostReading, StorageFailed, Layout | Tools> {
  const { root } = yield* Layout
  const features = yield* Effect.all(
    { memoryTracking: hasFeature("mem_dirty_track"), userfaultfd: hasFeature("uffd-noncoop") },
    { concurrency: 2 },
  )
  const availableBytes = yield* attemptSync("ask for free space of", root, () => {
    const { bavail, bsize } = fs.statfsSync(nearestDirectory(root))
    return bavail * bsize
  })
  return {
    ...features,
    uid: process.geteuid?.() ?? -1,
    effectiveCapabilities: BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(content("/proc/self/status"))?.[1] ?? "0"}`),
    kernelRelease: os.release(),
    architecture: goArchitecture(process.arch),
    cgroups: cgroupLayout(),
    hybridControllers: hybridControllers(),
    overlay: hasOverlay(),
    root,
    availableBytes,
    apparmor: content("/sys/module/apparmor/parameters/enabled"),
    selinux: content("/sys/fs/selinux/enforce"),
    ptraceScope: content("/proc/sys/kernel/yama/ptrace_scope"),
  }
})

/** Controllers of the v2 hierarchy of a hybrid layout, separated by blanks (cgroups(7)); empty on any other. */
export const hybridControllers = (): string =>
  cgroupLayout() === "hybrid" ? content("/sys/fs/cgroup/unified/cgroup.controllers") : ""

/** `criu check --feature`: exit status 0 when the kernel has it (CRIU 4.2 `criu/cr-check.c`). */
const hasFeature = (name: string) =>
  Effect.map(criuCheck(name), (result) => (result === undefined ? undefined : result.exitCode === 0))

/** A mount loads the module by itself when there is one. */
const hasOverlay = () =>
  /\boverlay$/m.test(content("/proc/filesystems")) ||
  content(`/lib/modules/${os.release()}/modules.dep`).includes("/overlay.ko")

/** The root directory is made with the first container. */
const nearestDirectory = (path: string): string =>
  fs.existsSync(path) || path === "/" ? path : nearestDirectory(dirname(path))

const content = (path: string): string => {
  try {
    return fs.readFileSync(path, "utf8").trim()
  } catch {
    return ""
  }
}
