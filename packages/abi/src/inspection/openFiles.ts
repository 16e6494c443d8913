/** What the descriptors of a dump lead to. */
import { type EntryOf, fileTypes, socketFamilies, socketProtocols, socketTypes, tcpStates } from "@cryopod/criu"
import type { OpenFile, OpenSocket } from "@cryopod/entities"
import type { DumpFiles } from "./DumpFiles.ts"

type File = EntryOf<"files">

/** A file that may be open in several processes. */
export interface DumpedFile {
  readonly path: string
  readonly socket?: Omit<OpenSocket, "pid" | "fd">
}

/** Files by their number in the dump. */
export type FileTable = ReadonlyMap<number, DumpedFile>

export const readFileTable = (dump: DumpFiles): FileTable => {
  const table = new Map<number, DumpedFile>()
  const add = (file: File) => table.set(file.id, describe(file))
  for (const file of dump.entries("files.img", "files")) add(file)
  // before CRIU 3.0 every kind had a file of its own (`criu/files.c`, collect_image)
  for (const reg of dump.entries("reg-files.img", "reg_files")) add({ type: 1, id: reg.id, reg })
  for (const pipe of dump.entries("pipes.img", "pipes")) add({ type: 2, id: pipe.id, pipe })
  for (const isk of dump.entries("inetsk.img", "inetsk")) add({ type: 4, id: isk.id, isk })
  for (const usk of dump.entries("unixsk.img", "unixsk")) add({ type: 5, id: usk.id, usk })
  // a named pipe has its name from the file of the same name
  for (const file of dump.entries("files.img", "files")) {
    const name = file.fifo?.regf_id === undefined ? undefined : table.get(file.fifo.regf_id)?.path
    if (name !== undefined) table.set(file.id, { path: name })
  }
  return table
}

const describe = (file: File): DumpedFile => {
  const { bpf, efd, epfd, fifo, isk, memfd, nlsk, nsf, pidfd, pipe, psk, reg, sgfd, tfd, tty, tunf, usk } = file
  if (reg !== undefined) return { path: rooted(reg.name) }
  if (pipe !== undefined) return { path: `pipe[${pipe.pipe_id}]` }
  if (fifo !== undefined) return { path: `fifo[${fifo.pipe_id}]` }
  if (isk !== undefined) return { path: `socket[${isk.ino}]`, socket: inetSocket(isk) }
  if (usk !== undefined) return { path: `socket[${usk.ino}]`, socket: unixSocket(usk) }
  if (nlsk !== undefined) return { path: `socket[${nlsk.ino}]`, socket: { ...noSocket, protocol: "NETLINK" } }
  if (psk !== undefined)
    return { path: "socket[packet]", socket: { ...noSocket, protocol: "PACKET", type: nameOf(socketTypes, psk.type) } }
  if (memfd !== undefined) return { path: `memfd[${memfd.inode_id}]` }
  if (tty !== undefined) return { path: `tty[${tty.tty_info_id}]` }
  if (pidfd !== undefined) return { path: `pidfd[${pidfd.nspid}]` }
  if (nsf !== undefined) return { path: `namespace[${nsf.ns_id}]` }
  if (bpf !== undefined) return { path: `bpf[${bpf.map_name}]` }
  if (tunf !== undefined) return { path: `tun[${tunf.netdev ?? ""}]` }
  const anonymous = efd ?? epfd ?? sgfd ?? tfd ?? file.ify ?? file.ffy
  return { path: `anon_inode[${nameOf(fileTypes, file.type)}${anonymous === undefined ? "" : `.${anonymous.id}`}]` }
}

const rooted = (name: string) => (name.startsWith("/") ? name : `/${name}`)

const nameOf = (names: Readonly<Record<number, string>>, number: number) => names[number] ?? String(number)

const noSocket: NonNullable<DumpedFile["socket"]> = {
  protocol: "",
  type: "",
  state: "",
  local: "",
  localPort: 0,
  remote: "",
  remotePort: 0,
}

const inetSocket = (socket: EntryOf<"inetsk">): NonNullable<DumpedFile["socket"]> => ({
  protocol: nameOf(socketProtocols, socket.proto),
  type: nameOf(socketTypes, socket.type),
  // Linux shows the states of TCP for other protocols too, where they mean nothing
  state: socket.proto === tcp ? nameOf(tcpStates, socket.state) : "",
  local: addressOf(socket.src_addr, socket.family),
  localPort: socket.src_port,
  remote: addressOf(socket.dst_addr, socket.family),
  remotePort: socket.dst_port,
})

/** Linux `include/uapi/linux/in.h`, IPPROTO_TCP. */
const tcp = 6

const unixSocket = (socket: EntryOf<"unixsk">): NonNullable<DumpedFile["socket"]> => ({
  ...noSocket,
  protocol: "UNIX",
  type: nameOf(socketTypes, socket.type),
  state: nameOf(tcpStates, socket.state),
  local: unixName(socket.name),
  remote: socket.peer === 0 ? "" : `socket[${socket.peer}]`,
})

/** An abstract name begins with a zero byte, which tools write as `@`; a path ends with one. */
const unixName = (name: Uint8Array): string => {
  const text = Buffer.from(name).toString("utf8")
  return text.startsWith("\0") ? `@${text.slice(1)}` : text.replace(/\0+$/, "")
}

/** Words in network order, as they lay in memory. */
const addressOf = (words: ReadonlyArray<number>, family: number): string => {
  const bytes = words.flatMap((word) => [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24])
  if (nameOf(socketFamilies, family) !== "INET6") return bytes.slice(0, 4).join(".")
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0)).toString(16),
  )
  return shortest(groups)
}

/** The longest row of zeros left out (RFC 5952). */
const shortest = (groups: ReadonlyArray<string>): string => {
  let best = { from: 0, length: 0 }
  for (let from = 0; from < groups.length; from++) {
    let length = 0
    while (groups[from + length] === "0") length++
    if (length > best.length) best = { from, length }
  }
  if (best.length < 2) return groups.join(":")
  return `${groups.slice(0, best.from).join(":")}::${groups.slice(best.from + best.length).join(":")}`
}

/** The open files of a process, in the order of their descriptors, and where it is. */
export const openFilesOf = (
  dump: DumpFiles,
  table: FileTable,
  {
    executable,
    filesId,
    pid,
  }: { readonly pid: number; readonly filesId: number | undefined; readonly executable: number | undefined },
): { readonly files: ReadonlyArray<OpenFile>; readonly sockets: ReadonlyArray<OpenSocket> } => {
  const files: Array<OpenFile> = []
  const sockets: Array<OpenSocket> = []
  const descriptors = filesId === undefined ? [] : [...dump.entries(`fdinfo-${filesId}.img`, "fdinfo")]
  dump.close(`fdinfo-${filesId}.img`)
  for (const { fd, id, type } of descriptors.toSorted((a, b) => a.fd - b.fd)) {
    const file = table.get(id)
    files.push({ fd: String(fd), type: nameOf(fileTypes, type), path: file?.path ?? "" })
    if (file?.socket !== undefined) sockets.push({ pid, fd: String(fd), ...file.socket })
  }
  const places = dump.only(`fs-${pid}.img`, "fs")
  dump.close(`fs-${pid}.img`)
  for (const [fd, id] of [
    ["exe", executable],
    ["cwd", places?.cwd_id],
    ["root", places?.root_id],
  ] as const) {
    const path = id === undefined ? undefined : table.get(id)?.path
    if (path !== undefined) files.push({ fd, type: "", path })
  }
  return { files, sockets }
}
