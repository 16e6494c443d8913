/** What /proc says about processes of this host. */
import { readdirSync, readFileSync } from "node:fs"

/** Clock ticks since boot at which a process began: with the pid, its identity. Undefined when it is gone. */
export const processStart = (pid: number): string | undefined => {
  const fields = statOf(pid)
  // a zombie has ended
  return fields?.[0] === "Z" ? undefined : fields?.[19]
}

/** Fields of `/proc/PID/stat` from the third on (proc(5)): first the state, 19 further on the start time. */
const statOf = (pid: number): ReadonlyArray<string> | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  } catch {
    return undefined
  }
}

export const isAlive = (pid: number): boolean => pid > 0 && processStart(pid) !== undefined

/** Resident memory of a process in bytes; 0 when it is gone. */
export const residentBytes = (pid: number): number => {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
    return Number(kib ?? 0) * 1024
  } catch {
    return 0
  }
}

/** Resident memory of a process and all its descendants, in bytes: about what a dump of them takes. */
export const treeResidentBytes = (pid: number): number =>
  childrenOf(pid).reduce((sum, child) => sum + treeResidentBytes(child), residentBytes(pid))

/** A process and all its descendants, each before its own. */
export const processTree = (pid: number): ReadonlyArray<number> => [pid, ...childrenOf(pid).flatMap(processTree)]

/** Of a process and all its descendants, those that a signal has stopped. */
export const stoppedProcesses = (pid: number): ReadonlyArray<number> => [
  ...(statOf(pid)?.[0] === "T" ? [pid] : []),
  ...childrenOf(pid).flatMap(stoppedProcesses),
]

/** Name of a process's program; empty when it is gone. */
export const programName = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim()
  } catch {
    return ""
  }
}

const childrenOf = (pid: number): ReadonlyArray<number> => {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")
        .split(" ")
        .filter((text) => text !== "")
        .map(Number),
    )
  } catch {
    return []
  }
}

/** Identity of the current boot (random(4)). */
export const bootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()

/** Hard limits of this process, by runtime-spec name. Infinite ones are left out. */
export const hardLimits = (): Readonly<Record<string, number>> =>
  Object.fromEntries(
    readFileSync("/proc/self/limits", "utf8")
      .split("\n")
      .slice(1)
      .flatMap((line) => {
        const name = limitNames[line.slice(0, 26).trim()]
        const hard = line.slice(47, 68).trim()
        return name === undefined || hard === "unlimited" ? [] : [[name, Number(hard)]]
      }),
  )

const limitNames: Readonly<Record<string, string>> = {
  "Max open files": "RLIMIT_NOFILE",
  "Max processes": "RLIMIT_NPROC",
  "Max core file size": "RLIMIT_CORE",
  "Max locked memory": "RLIMIT_MEMLOCK",
  "Max file locks": "RLIMIT_LOCKS",
  "Max pending signals": "RLIMIT_SIGPENDING",
  "Max msgqueue size": "RLIMIT_MSGQUEUE",
  "Max nice priority": "RLIMIT_NICE",
  "Max realtime priority": "RLIMIT_RTPRIO",
  "Max stack size": "RLIMIT_STACK",
  "Max data size": "RLIMIT_DATA",
  "Max cpu time": "RLIMIT_CPU",
  "Max file size": "RLIMIT_FSIZE",
  "Max resident set": "RLIMIT_RSS",
  "Max address space": "RLIMIT_AS",
}
