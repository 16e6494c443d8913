/** The namespaces of a process, by the columns of `ps --ns`: inode numbers as the kernel's links have them. */
import { readlinkSync } from "node:fs"

const columns = {
  CGROUPNS: "cgroup",
  IPC: "ipc",
  MNT: "mnt",
  NET: "net",
  PIDNS: "pid",
  USERNS: "user",
  UTS: "uts",
} as const

/** Empty texts for a process that is not there. */
export const namespaceLinks = (pid: number): Readonly<Record<keyof typeof columns, string>> => {
  const entries = Object.entries(columns).map(([column, kind]) => [column, inode(pid, kind)])
  return Object.fromEntries(entries) as Readonly<Record<keyof typeof columns, string>>
}

const inode = (pid: number, kind: string): string => {
  try {
    return pid > 0 ? (/\d+/.exec(readlinkSync(`/proc/${pid}/ns/${kind}`))?.[0] ?? "") : ""
  } catch {
    return ""
  }
}
