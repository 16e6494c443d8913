/** Will this checkpoint thaw on this host? Read from the checkpoint and the host; decided in `hostFindings`. */
import * as fs from "node:fs"
import { join } from "node:path"
import { fileSystemTypes, machines, pagesNumber, securityModules } from "@cryopod/criu"
import {
  type CheckFinding,
  type CheckpointInvalid,
  type CriuUnfit,
  factsFromAnnotations,
  type ForcibleAspect,
  forcibleAspects,
  HostUnfit,
  type StorageFailed,
  type ToolMissing,
} from "@cryopod/entities"
import { attemptSync, availableBytes, Layout, type Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { openDump, readDump } from "../inspection/DumpFiles.ts"
import { mountsFile } from "../inspection/imageFiles.ts"
import { innerArchives } from "../restore/innerArchives.ts"
import { hostFacts } from "../system/HostFacts.ts"
import { Probes } from "../system/Probes.ts"
import { cpuFeatures, cpuinfoFile, hostCpuinfo } from "./hostCpu.ts"
import { type CheckpointNeeds, hostFindings, type HostOffers } from "./hostFindings.ts"

/** A checkpoint, as far as it has to fit. */
export interface Fitting {
  readonly source: string
  /** CRIU's images. */
  readonly imagesDirectory: string
  /** Of the members that a restore writes out again; absent for what is restored in place. */
  readonly members?: string
  readonly annotations: Readonly<Record<string, string>>
  /** In Go's words; empty when nothing says it. */
  readonly architecture: string
}

type Failure = CheckpointInvalid | StorageFailed | CriuUnfit | ToolMissing

export const fitFindings = Effect.fn("compatibility.findings")(function* (
  checkpoint: Fitting,
): Effect.fn.Return<ReadonlyArray<CheckFinding>, Failure, Layout | Tools | Probes> {
  const needs = yield* needsOf(checkpoint)
  return hostFindings(needs, yield* offersFor(needs))
})

/** Refuse what cannot work, unless the caller insists. */
export const requireFit = Effect.fn("compatibility.require")(function* (
  checkpoint: Fitting,
  force: ReadonlyArray<ForcibleAspect>,
): Effect.fn.Return<void, Failure | HostUnfit, Layout | Tools | Probes> {
  const insisted: ReadonlyArray<string> = force
  const findings = (yield* fitFindings(checkpoint)).filter(
    ({ aspect, status }) => status === "no" && !insisted.includes(aspect),
  )
  if (findings.length > 0) yield* new HostUnfit({ source: checkpoint.source, findings: findings.map(insistable) })
})

/** How to go on in spite of it, where that can be meant. */
const insistable = (finding: CheckFinding): CheckFinding =>
  forcibleAspects.some((aspect) => aspect === finding.aspect)
    ? { ...finding, remedy: `${finding.remedy}, or insist on it by the name ${finding.aspect}` }
    : finding

const needsOf = (checkpoint: Fitting) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { annotations, imagesDirectory, members, source } = checkpoint
      const dump = yield* openDump(imagesDirectory)
      const facts = factsFromAnnotations(annotations)
      const read = yield* readDump(source, dump, () => {
        const first = [...dump.entries("pstree.img", "pstree")][0]?.pid
        const core = first === undefined ? undefined : dump.fields(`core-${first}.img`, "core", ["mtype"])
        const cores = dump.names().filter((name) => /^core-\d+\.img$/.test(name))
        const profiles = cores.map(
          (name) => dump.fields(name, "core", ["thread_core"])?.thread_core?.creds?.lsm_profile ?? "",
        )
        const mounts = dump.names().filter((name) => mountsFile.test(name))
        const types = new Set(mounts.flatMap((name) => [...dump.entries(name, "mnts")].map(({ fstype }) => fstype)))
        const pages = dump.names().filter((name) => pagesNumber(name) !== undefined)
        return {
          inventory: dump.only("inventory.img", "inventory"),
          machine: machines[core?.mtype ?? 0],
          profiles: [...new Set(profiles)].filter((profile) => profile !== ""),
          // policies of a namespace of the container's own (criu `criu/apparmor.c`)
          bringsProfiles: dump.names().includes("apparmor.img"),
          types,
          memoryBytes: pages.reduce((sum, name) => sum + dump.sizeOf(name), 0),
        }
      })
      const needs: CheckpointNeeds = {
        architecture: facts.hostArchitecture ?? (checkpoint.architecture || (goMachines[read.machine ?? ""] ?? "")),
        kernelRelease: facts.hostKernel ?? "",
        criuVersion: facts.criuVersion === undefined ? undefined : Number(facts.criuVersion) || undefined,
        imagesVersion: read.inventory?.img_version ?? 0,
        securityModule:
          read.profiles.length === 0 ? "" : (profileModules[securityModules[read.inventory?.lsmtype ?? 0] ?? ""] ?? ""),
        securityProfiles: read.bringsProfiles ? [] : read.profiles,
        cgroups: [...read.types].flatMap((type) => cgroupVersions[fileSystemTypes[type] ?? ""] ?? []),
        cpu: cpuFeatures(join(imagesDirectory, cpuinfoFile)),
        memoryBytes: read.memoryBytes,
        spaceBytes: members === undefined ? 0 : yield* attemptSync("look at", members, () => writtenBytes(members)),
      }
      return needs
    }),
  )

/** By file system, in the words of `mnt.proto`. */
const cgroupVersions: Readonly<Record<string, "v1" | "v2">> = { CGROUP: "v1", CGROUP2: "v2" }

/** By the words of `inventory.proto`. */
const profileModules: Readonly<Record<string, CheckpointNeeds["securityModule"]>> = {
  SELINUX: "selinux",
  APPARMOR: "apparmor",
}

/** `core.proto` march in Go's words. */
const goMachines: Readonly<Record<string, string>> = {
  X86_64: "amd64",
  AARCH64: "arm64",
  ARM: "arm",
  PPC64: "ppc64le",
  S390: "s390x",
  RISCV64: "riscv64",
  LOONGARCH64: "loong64",
}

/** Images of processes are moved or read where they are; the rest is written out. */
const writtenBytes = (members: string): number =>
  innerArchives(members).reduce((sum, name) => sum + fs.lstatSync(join(members, name)).size, 0)

const offersFor = Effect.fnUntraced(function* (needs: CheckpointNeeds) {
  const { root } = yield* Layout
  const facts = yield* hostFacts
  const cpuinfo = needs.cpu === undefined ? undefined : yield* hostCpuinfo()
  const offers: HostOffers = {
    architecture: facts.architecture,
    kernelRelease: facts.kernelRelease,
    criuVersion: (yield* (yield* Probes).criu).version,
    cgroups: facts.cgroupVersion,
    apparmor: content("/sys/module/apparmor/parameters/enabled").startsWith("Y"),
    apparmorProfiles: loadedProfiles(),
    selinux: fs.existsSync("/sys/fs/selinux/enforce"),
    cpu: cpuinfo === undefined ? undefined : cpuFeatures(cpuinfo),
    spaceBytes: yield* availableBytes(root),
    memoryBytes: Number(/^MemAvailable:\s+(\d+) kB$/m.exec(content("/proc/meminfo"))?.[1] ?? Infinity) * 1024,
  }
  return offers
})

/** securityfs, a line for each: `name (mode)`. */
const loadedProfiles = (): ReadonlyArray<string> | undefined => {
  const path = "/sys/kernel/security/apparmor/profiles"
  if (!fs.existsSync(path)) return undefined
  return content(path)
    .split("\n")
    .flatMap((line) => /^(.+) \(\w+\)$/.exec(line)?.[1] ?? [])
}

const content = (path: string): string => {
  try {
    return fs.readFileSync(path, "utf8")
  } catch {
    return ""
  }
}
