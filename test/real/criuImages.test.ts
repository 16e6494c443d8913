/** Every value of every image of real dumps is what CRIU's own reader says, and is written back as it was. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { SocketAddress } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { bytesSource, imageEntries, imageKindOf, Protobuf } from "../../packages/criu/src/index.ts"
import { type CritImages, critImages, ourImage, plain } from "./support/crit.ts"
import type { CheckpointInspect } from "../../packages/entities/src/index.ts"
import { Host } from "./support/Host.ts"
import { imagesOf, importPrograms, type Program, programs, runProgram } from "./support/programs.ts"

let host: Host
const dumps = new Map<string, { readonly directory: string; readonly crit: CritImages }>()

beforeAll(async () => {
  host = await Host.make()
  await importPrograms(host)
  const tools = join(host.directory, "tools")
  fs.mkdirSync(tools)
  fs.writeFileSync(`${tools}/threads.c`, threads)
  execFileSync("gcc", ["-static", "-pthread", "-o", `${tools}/threads`, `${tools}/threads.c`])
  await host.ok("pod", "create", "--name", "pod")
  for (const { options = [], ...program } of dumped) {
    await runProgram(host, program, { options: options.map((word) => word.replace("TOOLS", tools)) })
    await host.ok("container", "checkpoint", "--tcp-established", "--file-locks", program.name)
    const directory = await imagesOf(host, program.name)
    dumps.set(program.name, { directory, crit: critImages(directory) })
  }
})
afterAll(async () => {
  await host.ok("pod", "rm", "--all", "--force", "-t", "0")
  await host.dispose()
})

/** Threads with names of their own, each of which has touched memory of its own. */
const threads = `#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
static char kept[8][65536];
static pthread_barrier_t all;
static void *work(void *at) {
  long n = (long)at; char name[16];
  snprintf(name, sizeof name, "worker-%ld", n); prctl(PR_SET_NAME, name);
  memset(kept[n], 'a' + n, sizeof kept[n]);
  pthread_barrier_wait(&all);
  for (;;) pause();
}
int main(void) {
  pthread_t thread; pthread_barrier_init(&all, 0, 9);
  for (long n = 0; n < 8; n++) pthread_create(&thread, 0, work, (void *)n);
  pthread_barrier_wait(&all);
  puts("ready"); fflush(stdout);
  for (;;) pause();
}
`

interface Dumped extends Program {
  /** Of the container; TOOLS is a directory of this host. */
  readonly options?: ReadonlyArray<string>
}

const dumped: ReadonlyArray<Dumped> = [
  ...programs,
  {
    name: "postgresql",
    command: [
      "sh",
      "-c",
      `PATH=$PATH:$(echo /usr/lib/postgresql/*/bin); mkdir /pg; chown postgres /pg
       setpriv --reuid=postgres --regid=postgres --clear-groups initdb -D /pg -U postgres --auth=trust --no-sync >/dev/null
       export LD_PRELOAD=libuid_wrapper.so UID_WRAPPER=1 UID_WRAPPER_INITIAL_RUID=101 UID_WRAPPER_INITIAL_EUID=101
       exec postgres -D /pg -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off`,
    ],
    ready: "ready to accept connections",
  },
  { name: "threads-in-c", command: ["/tools/threads"], ready: "ready", options: ["-v", "TOOLS:/tools"] },
  { name: "member", command: programs[0]?.command ?? [], ready: "ready", options: ["--pod", "pod"] },
]

const dumpOf = (name: string) => {
  const dump = dumps.get(name)
  if (dump === undefined) throw new Error(`${name} was not dumped`)
  return { ...dump, images: Object.entries(dump.crit) }
}

describe.each(dumped.map(({ name }) => name))("the dump of %s", (name) => {
  it("reads as crit reads it, value by value", () => {
    const { directory, images } = dumpOf(name)
    expect(images.length).toBeGreaterThan(15)
    for (const [file, crit] of images) {
      expect({ file, image: ourImage(fs.readFileSync(join(directory, file))) }).toEqual({ file, image: plain(crit) })
    }
  })

  it("is written as CRIU wrote it, byte by byte", () => {
    const { directory, images } = dumpOf(name)
    for (const [file] of images) {
      const source = bytesSource(fs.readFileSync(join(directory, file)))
      const kind = imageKindOf(source)
      if (kind === undefined) continue
      for (const { message, table } of imageEntries(source, kind)) {
        expect({ file, bytes: Protobuf.encode(Protobuf.decode(message, table), table) }).toEqual({
          file,
          bytes: Uint8Array.from(message),
        })
      }
    }
  })
})

// what a reader of another project says has no type
// oxlint-disable-next-line typescript/no-explicit-any
type Entry = Record<string, any>

/** What crit says of processes, with the names that the view has. */
const critProcesses = (crit: CritImages) =>
  entriesOf(crit, "pstree.img").map((item) => {
    const pid = Number(item["pid"])
    const core = entriesOf(crit, `core-${pid}.img`)[0] ?? {}
    const { tc: task, thread_core: thread } = core as Record<string, Entry>
    const mm = entriesOf(crit, `mm-${pid}.img`)[0]
    const ids = entriesOf(crit, `ids-${pid}.img`)[0]
    const places = entriesOf(crit, `fs-${pid}.img`)[0]
    const creds = thread?.["creds"]
    const descriptors = ids === undefined ? [] : entriesOf(crit, `fdinfo-${ids["files_id"]}.img`)
    const files = new Map(entriesOf(crit, "files.img").map((file) => [file["id"], file]))
    const nameOf = (id: unknown) => files.get(id)?.["reg"]?.["name"]
    return {
      pid,
      parent: Number(item["ppid"]),
      group: Number(item["pgid"]),
      session: Number(item["sid"]),
      name: task?.["comm"],
      threads: (item["threads"] as ReadonlyArray<bigint>).map(Number),
      users: creds === undefined ? [] : [...new Set([creds.uid, creds.euid, creds.suid, creds.fsuid].map(Number))],
      bounding: creds === undefined ? 0 : bitCount(creds.cap_bnd),
      mappings: ((mm?.["vmas"] ?? []) as ReadonlyArray<Record<string, bigint>>).map(({ end, start }) => [
        start?.toString(16),
        end?.toString(16),
      ]),
      files: descriptors
        .map(({ fd, id, type }) => ({ fd: String(fd), type, ...(type === "REG" ? { path: nameOf(id) } : {}) }))
        .toSorted((a, b) => Number(a.fd) - Number(b.fd)),
      places: places === undefined ? [] : [nameOf(places["cwd_id"]), nameOf(places["root_id"])],
    }
  })

/** What more crit says of a process, in the view's own words. */
const critDetails = (crit: CritImages) =>
  entriesOf(crit, "pstree.img").map((item) => {
    const pid = Number(item["pid"])
    const { tc: task, thread_core: thread } = (entriesOf(crit, `core-${pid}.img`)[0] ?? {}) as Record<string, Entry>
    const creds = thread?.["creds"]
    const ids = creds === undefined ? [] : [creds.gid, creds.egid, creds.sgid, creds.fsgid, ...(creds.groups ?? [])]
    return {
      state: taskStates[Number(task?.["task_state"])],
      threads: (item["threads"] as ReadonlyArray<bigint>).map((id) => [
        Number(id),
        // one that has ended has none
        entriesOf(crit, `core-${id}.img`)[0]?.["thread_core"]?.comm ?? "",
      ]),
      groups: [...new Set(ids.map(Number))].toSorted((a, b) => a - b),
      capabilities: ["cap_inh", "cap_prm", "cap_eff", "cap_bnd", "cap_amb"].map((set) => bitCount(creds?.[set] ?? [])),
      noNewPrivileges: Number(creds?.no_new_privs ?? 0) === 1,
      seccomp: Number(task?.["old_seccomp_mode"] ?? thread?.["seccomp_mode"] ?? 0) !== 0,
      memoryBytes: entriesOf(crit, `pagemap-${pid}.img`)
        .slice(1)
        .filter(({ flags }) => (Number(flags ?? presentPages) & presentPages) !== 0)
        .reduce((sum, { nr_pages: pages }) => sum + Number(pages) * 4096, 0),
      permissions: (
        (entriesOf(crit, `mm-${pid}.img`)[0]?.["vmas"] ?? []) as ReadonlyArray<{
          readonly prot: bigint
          readonly flags: bigint
        }>
      ).map(({ flags, prot }) =>
        ["r", "w", "x"]
          .map((letter, bit) => (((prot >> BigInt(bit)) & 1n) === 1n ? letter : "-"))
          .join("")
          .concat((flags & 1n) === 1n ? "s" : "p"),
      ),
    }
  })

/** `PE_PRESENT` of CRIU's `pagemap.h`. */
const presentPages = 4

/** `task_state` of `core.proto` that containers have. */
const taskStates: Readonly<Record<number, string>> = { 1: "alive", 2: "dead", 3: "stopped", 6: "zombie" }

const entriesOf = (crit: CritImages, file: string) => (crit[file]?.entries ?? []) as ReadonlyArray<Entry>

const bitCount = (words: ReadonlyArray<bigint>) =>
  words.reduce((sum, word) => sum + word.toString(2).replaceAll("0", "").length, 0)

/** Linux `include/net/tcp_states.h`. */
const tcpStates =
  " ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING".split(" ")
const socketTypes = " STREAM DGRAM RAW".split(" ")
const protocols: Readonly<Record<number, string>> = { 0: "IP", 1: "ICMP", 6: "TCP", 17: "UDP", 255: "RAW" }

/** Words as they lay in memory, as libc writes such an address. */
const critAddress = (words: ReadonlyArray<bigint>, family: number): string => {
  const bytes = Buffer.alloc(words.length * 4)
  words.forEach((word, at) => bytes.writeUInt32LE(Number(word), at * 4))
  if (family === 2) return bytes.subarray(0, 4).join(".")
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16))
  return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address
}

/** Every socket that crit knows, in the view's words: those of the Internet and those of Unix. */
const critSockets = (crit: CritImages) =>
  entriesOf(crit, "files.img").flatMap(({ isk, usk }) => {
    if (isk !== undefined) {
      const { dst_addr: to, dst_port: toPort, family, proto, src_addr: from, src_port: fromPort, state, type } = isk
      const protocol = protocols[Number(proto)]
      return [
        [
          protocol,
          socketTypes[Number(type)],
          protocol === "TCP" ? tcpStates[Number(state)] : "",
          `${critAddress(from, Number(family))} ${fromPort}`,
          `${critAddress(to, Number(family))} ${toPort}`,
        ].join(" "),
      ]
    }
    if (usk === undefined) return []
    // quoted-printable (RFC 2045), as Python has it; an abstract name begins with a zero byte, a path ends with one
    const name = String(usk.name)
      .replace(/^=00(?=.)/, "@")
      .replaceAll(/(?:=00)+$/g, "")
    const peer = Number(usk.peer) === 0 ? "" : `socket[${usk.peer}]`
    return [`UNIX ${socketTypes[Number(usk.type)]} ${tcpStates[Number(usk.state)]} ${name} ${peer}`]
  })

describe.each(dumped.map(({ name }) => name))("the view of %s", (name) => {
  it("has the values that crit has", async () => {
    const { crit } = dumpOf(name)
    const [seen] = JSON.parse(await host.ok("checkpoint", "inspect", "--ps-tree-env", "--format", "json", name)) as [
      CheckpointInspect,
    ]
    const processes = seen.processes.map((process) => ({
      pid: process.pid,
      parent: process.parent,
      group: process.group,
      session: process.session,
      name: process.name,
      threads: process.threads.map(({ id }) => id),
      users: process.users,
      bounding: process.capabilities.bounding.length,
      mappings: process.mappings.map(({ end, start }) => [start, end]),
      files: process.files
        .filter(({ type }) => type !== "")
        .map(({ fd, path, type }) => ({ fd, type, ...(type === "REG" ? { path } : {}) })),
      places: ["cwd", "root"].flatMap((place) => process.files.find(({ fd }) => fd === place)?.path ?? []),
    }))
    expect(processes).toEqual(critProcesses(crit))
    const details = seen.processes.map((process) => ({
      state: process.state,
      threads: process.threads.map((thread) => [thread.id, thread.name]),
      groups: process.groups.toSorted((a, b) => a - b),
      capabilities: [
        process.capabilities.inheritable,
        process.capabilities.permitted,
        process.capabilities.effective,
        process.capabilities.bounding,
        process.capabilities.ambient,
      ].map((names) => names.length),
      noNewPrivileges: process.noNewPrivileges,
      seccomp: process.seccomp,
      memoryBytes: process.memoryBytes,
      permissions: process.mappings.map(({ permissions }) => permissions),
    }))
    expect(details).toEqual(critDetails(crit))
    const sockets = seen.sockets.flatMap(({ local, localPort, protocol, remote, remotePort, state, type }) => {
      if (protocol === "UNIX") return [`UNIX ${type} ${state} ${local} ${remote}`]
      if (!Object.values(protocols).includes(protocol)) return []
      return [`${protocol} ${type} ${state} ${local} ${localPort} ${remote} ${remotePort}`]
    })
    // a socket may be open in several processes, and one waiting to be accepted in none
    const known = critSockets(crit)
    expect([...new Set(sockets)].filter((one) => !known.includes(one))).toEqual([])
    const [first] = seen.processes
    expect(first?.arguments.length).toBeGreaterThan(0)
    // redis writes its title over its environment
    expect(first?.environment?.some((text) => text.startsWith("PATH="))).toBe(name !== "redis")
  })
})

const wantedKinds =
  "INVENTORY PSTREE CORE IDS MM PAGEMAP FILES FDINFO FS MNTS SECCOMP UTSNS TIMENS FILE_LOCKS MEMFD_INODE IPC_VAR IPCNS_SHM IPCNS_SEM IPCNS_MSG PIPES_DATA FIFO_DATA SK_QUEUES GHOST_FILE REMAP_FPATH TCP_STREAM CGROUP"
const wantedTypes = "REG PIPE FIFO INETSK UNIXSK NETLINKSK EVENTFD EVENTPOLL INOTIFY SIGNALFD TIMERFD MEMFD"

it("the dumps have what there is to compare", () => {
  const images = [...dumps.values()].flatMap(({ crit }) => Object.entries(crit))
  const kinds = images.map(([, image]) => image?.magic)
  expect(kinds).toEqual(expect.arrayContaining(wantedKinds.split(" ")))
  const types = images.flatMap(([file, image]) =>
    file === "files.img" ? (image?.entries ?? []).map((entry) => (entry as { readonly type: string }).type) : [],
  )
  expect(types).toEqual(expect.arrayContaining(wantedTypes.split(" ")))
})
