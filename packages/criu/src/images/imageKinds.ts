/**
 * The kinds of CRIU's image files: what they begin with, what their entries are, what lies between the entries.
 *
 * Sources: CRIU 4.2 `criu/include/magic.h`, `criu/image-desc.c` (names of the files), `lib/pycriu/images/images.py`
 * (payloads). The names of the kinds are those that CRIU's own image tool prints, in small letters.
 */
import type { Decoded, Fields, Message } from "../Protobuf.ts"
import * as files from "./files.ts"
import * as memory from "./memory.ts"
import * as namespaces from "./namespaces.ts"
import * as processes from "./processes.ts"
import * as sockets from "./sockets.ts"

/** `IMG_COMMON_MAGIC`: before the magic of every kind but the inventory. */
export const commonMagic = 0x54564319
/** `IMG_SERVICE_MAGIC`: statistics and caches, which are no part of the dump. */
export const serviceMagic = 0x55105940

export interface ImageKindFacts<F extends Fields> {
  readonly magic: number
  readonly entry: Message<F>
  /** What the kind's own magic stands behind. @default the common one */
  readonly head?: "none" | "service"
  /** The first entry is another message: the head of a pagemap. */
  readonly first?: Message<Fields>
}

const kind = <F extends Fields>(
  magic: number,
  entry: Message<F>,
  more: Pick<ImageKindFacts<F>, "head" | "first"> = {},
): ImageKindFacts<F> => ({ magic, entry, ...more })

export const imageKinds = {
  inventory: kind(0x58313116, processes.inventoryEntry, { head: "none" }),
  pstree: kind(0x50273030, processes.pstreeEntry),
  core: kind(0x55053847, processes.coreEntry),
  ids: kind(0x54432030, processes.idsEntry),
  creds: kind(0x54023547, processes.credsEntry),
  seccomp: kind(0x64413049, processes.seccompEntry),
  sigact: kind(0x55344201, processes.sigactionEntry),
  rlimit: kind(0x57113925, processes.rlimitEntry),
  itimers: kind(0x57464056, processes.itimerEntry),
  posix_timers: kind(0x52603957, processes.posixTimerEntry),
  cpuinfo: kind(0x61404013, processes.cpuinfoEntry),
  stats: kind(0x57093306, processes.statsEntry, { head: "service" }),

  mm: kind(0x57492820, memory.mmEntry),
  vmas: kind(0x54123737, memory.vmaEntry),
  pagemap: kind(0x56084025, memory.pagemapEntry, { first: memory.pagemapHead }),
  ghost_file: kind(0x52583605, memory.ghostFileEntry),
  memfd_inode: kind(0x48453499, memory.memfdInodeEntry),
  ipcns_shm: kind(0x46283044, memory.ipcShmEntry),
  ipcns_sem: kind(0x59573019, memory.ipcSemEntry),
  ipcns_msg: kind(0x55453737, memory.ipcMsgEntry),
  ipc_var: kind(0x53115007, memory.ipcVarEntry),

  files: kind(0x56303138, files.fileEntry),
  fdinfo: kind(0x56213732, files.fdinfoEntry),
  reg_files: kind(0x50363636, files.regularFileEntry),
  pipes: kind(0x56513555, files.pipeEntry),
  pipes_data: kind(0x56453709, files.pipeDataEntry),
  fifo: kind(0x58364939, files.fifoEntry),
  fifo_data: kind(0x59333054, files.pipeDataEntry),
  eventfd_file: kind(0x44523722, files.eventfdEntry),
  eventpoll_file: kind(0x45023858, files.epollEntry),
  eventpoll_tfd: kind(0x44433746, files.epollTargetEntry),
  signalfd: kind(0x57323820, files.signalfdEntry),
  timerfd: kind(0x50493712, files.timerfdEntry),
  inotify_file: kind(0x48424431, files.inotifyEntry),
  inotify_wd: kind(0x54562009, files.inotifyWatchEntry),
  fanotify_file: kind(0x55096122, files.fanotifyEntry),
  fanotify_mark: kind(0x56506035, files.fanotifyMarkEntry),
  tunfile: kind(0x57143751, files.tunEntry),
  ns_files: kind(0x61394011, files.namespaceFileEntry),
  ext_files: kind(0x59255641, files.externalFileEntry),
  bpfmap_file: kind(0x57506142, files.bpfMapEntry),
  bpfmap_data: kind(0x64324033, files.bpfMapDataEntry),
  pidfd: kind(0x54435556, files.pidfdEntry),
  tty_files: kind(0x59433025, files.ttyFileEntry),
  tty_info: kind(0x59453036, files.ttyInfoEntry),
  tty_data: kind(0x59413026, files.ttyDataEntry),
  file_locks: kind(0x54323616, files.fileLockEntry),
  remap_fpath: kind(0x59133954, files.remapEntry),
  fs: kind(0x51403912, files.fsEntry),
  irmap_cache: kind(0x57004059, files.irmapCacheEntry, { head: "service" }),
  autofs: kind(0x49353943, files.autofsEntry),

  unixsk: kind(0x54373943, sockets.unixSocketEntry),
  inetsk: kind(0x56443851, sockets.inetSocketEntry),
  packetsk: kind(0x60454618, sockets.packetSocketEntry),
  netlink_sk: kind(0x58005614, sockets.netlinkSocketEntry),
  sk_queues: kind(0x56264026, sockets.queuedPacketEntry),
  tcp_stream: kind(0x51465506, sockets.tcpStreamEntry),

  mnts: kind(0x55563928, namespaces.mountEntry),
  netdev: kind(0x57373951, namespaces.networkDeviceEntry),
  netns: kind(0x55933752, namespaces.networkNamespaceEntry),
  utsns: kind(0x54473203, namespaces.utsNamespaceEntry),
  pidns: kind(0x61157326, namespaces.pidNamespaceEntry),
  userns: kind(0x55474906, namespaces.userNamespaceEntry),
  timens: kind(0x43114433, namespaces.timeNamespaceEntry),
  cgroup: kind(0x59383330, namespaces.cgroupEntry),
  apparmor: kind(0x59423047, namespaces.apparmorEntry),
  binfmt_misc: kind(0x67343323, namespaces.binfmtMiscEntry),
} as const

export type ImageKinds = typeof imageKinds
export type ImageKind = keyof ImageKinds

/** What an entry of a kind decodes to. */
export type EntryOf<K extends ImageKind> = ImageKinds[K] extends ImageKindFacts<infer F> ? Decoded<Message<F>> : never
