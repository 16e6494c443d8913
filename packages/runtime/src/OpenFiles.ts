/** What running processes have open, as /proc tells it: that which a dump may stumble over (proc(5)). */
import * as fs from "node:fs"
import { readOr } from "@cryopod/host"
import { programName } from "./ProcessTable.ts"

export interface OpenFile {
  /** As this host numbers it. */
  readonly pid: number
  readonly program: string
  readonly fd: string
  /** What the link says: a path, `socket:[INODE]`, `anon_inode:[KIND]`. */
  readonly name: string
  /** Of a regular file. */
  readonly file?: { readonly sizeBytes: number; readonly names: number }
  /** Mounted where the process cannot see it. */
  readonly outside: boolean
  readonly locked: boolean
}

/** Every descriptor of these processes; of those that end meanwhile, what could be seen. */
export const openFilesOf = (pids: ReadonlyArray<number>): ReadonlyArray<OpenFile> =>
  pids.flatMap((pid) => {
    const mounts = new Set([...readOr(`/proc/${pid}/mountinfo`, "").matchAll(/^(\d+) /gm)].map(([, id]) => id))
    return list(`/proc/${pid}/fd`).flatMap((fd) => openFile(pid, fd, mounts))
  })

const openFile = (pid: number, fd: string, mounts: ReadonlySet<string | undefined>): ReadonlyArray<OpenFile> => {
  try {
    const path = `/proc/${pid}/fd/${fd}`
    const name = fs.readlinkSync(path)
    const info = readOr(`/proc/${pid}/fdinfo/${fd}`, "")
    const stat = name.startsWith("/") && !name.startsWith("/memfd:") ? fs.statSync(path) : undefined
    const isFile = stat?.isFile() === true
    return [
      {
        pid,
        program: programName(pid),
        fd,
        name,
        ...(isFile ? { file: { sizeBytes: stat.size, names: stat.nlink } } : {}),
        outside: isFile && !mounts.has(/^mnt_id:\s*(\d+)$/m.exec(info)?.[1]),
        locked: /^lock:/m.test(info),
      },
    ]
  } catch {
    return []
  }
}

export interface TcpSocket {
  /** As in `socket:[INODE]`. */
  readonly inode: string
  readonly state: "listening" | "connected"
  /** Connections that wait to be accepted. */
  readonly waiting: number
}

/** `TCP_LISTEN` of Linux `include/net/tcp_states.h`. */
const listening = "0A"

/** TCP sockets of the network namespace of a process. */
export const tcpSocketsOf = (pid: number): ReadonlyArray<TcpSocket> =>
  ["tcp", "tcp6"].flatMap((name) =>
    readOr(`/proc/${pid}/net/${name}`, "")
      .split("\n")
      .slice(1)
      .flatMap((line) => {
        const [, , , state, queues = "", , , , , inode] = line.trim().split(/\s+/)
        if (state === undefined || inode === undefined) return []
        const isListening = state === listening
        return [
          {
            inode,
            state: isListening ? ("listening" as const) : ("connected" as const),
            waiting: isListening ? Number.parseInt(queues.split(":")[1] ?? "0", 16) : 0,
          },
        ]
      }),
  )

const list = (path: string): ReadonlyArray<string> => {
  try {
    return fs.readdirSync(path)
  } catch {
    return []
  }
}
