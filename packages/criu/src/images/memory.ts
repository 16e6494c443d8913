/**
 * Tables of the images that describe memory: mappings, and which of their pages lie where.
 *
 * Field numbers are facts of CRIU 4.2 `images/*.proto`, named at each message; names are CRIU's own.
 */
import { big, bool, int, many, message, nested, required, sint, text, uint } from "../Protobuf.ts"

/** `vma.proto`. */
export const vmaEntry = message({
  start: required(big(1)),
  end: required(big(2)),
  pgoff: required(big(3)),
  shmid: required(big(4)),
  prot: required(uint(5)),
  flags: required(uint(6)),
  status: required(uint(7)),
  fd: required(sint(8)),
  madv: big(9),
  fdflags: uint(10),
})

/** What a mapping is, by the bits of `status` (`criu/include/image.h`, VMA_*). */
export const vmaStatus = {
  regular: 1 << 0,
  stack: 1 << 1,
  vsyscall: 1 << 2,
  vdso: 1 << 3,
  heap: 1 << 5,
  filePrivate: 1 << 6,
  fileShared: 1 << 7,
  anonShared: 1 << 8,
  anonPrivate: 1 << 9,
  sysvIpc: 1 << 10,
  socket: 1 << 11,
  vvar: 1 << 12,
  aioRing: 1 << 13,
  memfd: 1 << 14,
  shadowStack: 1 << 15,
  guard: 1 << 16,
  uprobes: 1 << 17,
} as const

/** `mm.proto`. */
export const mmEntry = message({
  mm_start_code: required(big(1)),
  mm_end_code: required(big(2)),
  mm_start_data: required(big(3)),
  mm_end_data: required(big(4)),
  mm_start_stack: required(big(5)),
  mm_start_brk: required(big(6)),
  mm_brk: required(big(7)),
  mm_arg_start: required(big(8)),
  mm_arg_end: required(big(9)),
  mm_env_start: required(big(10)),
  mm_env_end: required(big(11)),
  exe_file_id: required(uint(12)),
  mm_saved_auxv: many(big(13)),
  vmas: many(nested(14, vmaEntry)),
  dumpable: int(15),
  aios: many(nested(16, message({ id: required(big(1)), nr_req: required(uint(2)), ring_len: required(uint(3)) }))),
  thp_disabled: bool(17),
})

/** `pagemap.proto`: the first entry of a pagemap says which pages file its pages are in. */
export const pagemapHead = message({ pages_id: required(uint(1)) })

/**
 * `pagemap.proto`. `nr_pages` takes the place of `compat_nr_pages` where it is there. Fields 6 to 8 are those of CRIU's
 * development branch with `--compress` (criu#2895): the size of each block in the pages file.
 */
export const pagemapEntry = message({
  vaddr: required(big(1)),
  compat_nr_pages: required(uint(2)),
  in_parent: bool(3),
  flags: uint(4),
  nr_pages: uint(5),
})

/** Bits of `flags` (`criu/include/pagemap.h`, PE_*). */
export const pagemapFlags = { parent: 1 << 0, lazy: 1 << 1, present: 1 << 2 } as const

/** `time.proto`. */
const timeval = message({ tv_sec: required(big(1)), tv_usec: required(big(2)) })

/** `ghost-file.proto`: a file that was open after its name had gone. Its content follows, whole or in chunks. */
export const ghostFileEntry = message({
  uid: required(uint(1)),
  gid: required(uint(2)),
  mode: required(uint(3)),
  dev: uint(4),
  ino: big(5),
  rdev: uint(6),
  atim: nested(7, timeval),
  mtim: nested(8, timeval),
  chunks: bool(9),
  size: uint(10),
  symlnk_target: text(11),
})

/** `ghost-file.proto`. */
export const ghostChunkEntry = message({ len: required(uint(1)), off: required(uint(2)) })

/** `memfd.proto`. */
export const memfdInodeEntry = message({
  name: required(text(1)),
  uid: required(uint(2)),
  gid: required(uint(3)),
  size: required(uint(4)),
  shmid: required(uint(5)),
  seals: required(uint(6)),
  inode_id: required(uint(7)),
  hugetlb_flag: uint(8),
  mode: uint(9),
})

/** `ipc-desc.proto`. */
const ipcDescription = message({
  key: required(uint(1)),
  uid: required(uint(2)),
  gid: required(uint(3)),
  cuid: required(uint(4)),
  cgid: required(uint(5)),
  mode: required(uint(6)),
  id: required(uint(7)),
})

/** `ipc-shm.proto`. The content follows, unless it lies with the pages. */
export const ipcShmEntry = message({
  desc: required(nested(1, ipcDescription)),
  size: required(uint(2)),
  in_pagemaps: bool(3),
  hugetlb_flag: uint(4),
})

/** `ipc-sem.proto`. The values follow, two bytes each, padded to eight. */
export const ipcSemEntry = message({ desc: required(nested(1, ipcDescription)), nsems: required(uint(2)) })

/** `ipc-msg.proto`. `qnum` messages follow, each with its own size and content. */
export const ipcMsgEntry = message({
  desc: required(nested(1, ipcDescription)),
  qbytes: required(uint(2)),
  qnum: required(uint(3)),
})

/** `ipc-msg.proto`: one message of a queue. */
export const ipcMsg = message({ mtype: required(big(1)), msize: required(uint(2)) })

/** `ipc-var.proto`. */
export const ipcVarEntry = message({
  sem_ctls: many(uint(1)),
  msg_ctlmax: required(uint(2)),
  msg_ctlmnb: required(uint(3)),
  msg_ctlmni: required(uint(4)),
  auto_msgmni: required(uint(5)),
  shm_ctlmax: required(big(6)),
  shm_ctlall: required(big(7)),
  shm_ctlmni: required(uint(8)),
  shm_rmid_forced: required(uint(9)),
  mq_queues_max: required(uint(10)),
  mq_msg_max: required(uint(11)),
  mq_msgsize_max: required(uint(12)),
  mq_msg_default: uint(13),
  mq_msgsize_default: uint(14),
  msg_next_id: uint(15),
  sem_next_id: uint(16),
  shm_next_id: uint(17),
})
