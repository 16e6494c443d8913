/**
 * Tables of open files: descriptors, what they lead to, terminals.
 *
 * Field numbers are facts of CRIU 4.2 `images/*.proto`, named at each message; names are CRIU's own.
 */
import {
  big,
  bool,
  bytes,
  enumeration,
  int,
  many,
  message,
  nested,
  type Names,
  required,
  sint,
  text,
  uint,
} from "../Protobuf.ts"
import { fownEntry, inetSocketEntry, netlinkSocketEntry, packetSocketEntry, unixSocketEntry } from "./sockets.ts"

/** `fdinfo.proto` fd_types. */
export const fileTypes: Names = {
  0: "UND",
  1: "REG",
  2: "PIPE",
  3: "FIFO",
  4: "INETSK",
  5: "UNIXSK",
  6: "EVENTFD",
  7: "EVENTPOLL",
  8: "INOTIFY",
  9: "SIGNALFD",
  10: "PACKETSK",
  11: "TTY",
  12: "FANOTIFY",
  13: "NETLINKSK",
  14: "NS",
  15: "TUNF",
  16: "EXT",
  17: "TIMERFD",
  18: "MEMFD",
  19: "BPFMAP",
  20: "PIDFD",
  65534: "CTL_TTY",
  65535: "AUTOFS_PIPE",
}

/** `fdinfo.proto`: one descriptor of a table of descriptors. */
export const fdinfoEntry = message({
  id: required(uint(1)),
  flags: required(uint(2)),
  type: required(enumeration(3, fileTypes)),
  fd: required(uint(4)),
  xattr_security_selinux: text(5),
})

/** `regfile.proto`. Names lack the leading slash. */
export const regularFileEntry = message({
  id: required(uint(1)),
  flags: required(uint(2)),
  pos: required(big(3)),
  fown: required(nested(5, fownEntry)),
  name: required(text(6)),
  mnt_id: sint(7),
  size: uint(8),
  ext: bool(9),
  mode: uint(10),
  build_id: many(uint(11)),
  checksum: uint(12),
  checksum_config: uint(13),
  checksum_parameter: uint(14),
})

/** `pipe.proto`. */
export const pipeEntry = message({
  id: required(uint(1)),
  pipe_id: required(uint(2)),
  flags: required(uint(3)),
  fown: required(nested(4, fownEntry)),
})

/** `fifo.proto`. */
export const fifoEntry = message({ id: required(uint(1)), pipe_id: required(uint(2)), regf_id: uint(3) })

/** `pipe-data.proto`. The content follows. */
export const pipeDataEntry = message({ pipe_id: required(uint(1)), bytes: required(uint(2)), size: uint(3) })

/** `eventfd.proto`. */
export const eventfdEntry = message({
  id: required(uint(1)),
  flags: required(uint(2)),
  fown: required(nested(3, fownEntry)),
  counter: required(big(4)),
})

/** `eventpoll.proto`. */
export const epollTargetEntry = message({
  id: required(uint(1)),
  tfd: required(uint(2)),
  events: required(uint(3)),
  data: required(big(4)),
  dev: uint(5),
  inode: big(6),
  pos: big(7),
})

/** `eventpoll.proto`. */
export const epollEntry = message({
  id: required(uint(1)),
  flags: required(uint(2)),
  fown: required(nested(3, fownEntry)),
  tfd: many(nested(4, epollTargetEntry)),
})

/** `signalfd.proto`. */
export const signalfdEntry = message({
  id: required(uint(1)),
  flags: required(uint(2)),
  fown: required(nested(3, fownEntry)),
  sigmask: required(big(4)),
})

/** `timerfd.proto`. */
export const timerfdEntry = message({
  id: required(uint(1)),
  flags: required(uint(2)),
  fown: required(nested(3, fownEntry)),
  clockid: required(uint(4)),
  ticks: required(big(5)),
  settime_flags: required(uint(6)),
  vsec: required(big(7)),
  vnsec: required(big(8)),
  isec: required(big(9)),
  insec: required(big(10)),
})

/** `fh.proto`. */
const handleEntry = message({
  bytes: required(uint(1)),
  type: required(uint(2)),
  handle: many(big(3)),
  path: text(4),
  mnt_id: uint(5),
})

/** `fsnotify.proto`. */
export const inotifyWatchEntry = message({
  id: required(uint(1)),
  i_ino: required(big(2)),
  mask: required(uint(3)),
  ignored_mask: required(uint(4)),
  s_dev: required(uint(5)),
  wd: required(uint(6)),
  f_handle: required(nested(7, handleEntry)),
})

/** `fsnotify.proto`. */
export const inotifyEntry = message({
  id: required(uint(1)),
  flags: required(uint(2)),
  fown: required(nested(4, fownEntry)),
  wd: many(nested(5, inotifyWatchEntry)),
})

/** `fsnotify.proto`. */
export const fanotifyMarkEntry = message({
  id: required(uint(1)),
  type: required(enumeration(2, { 1: "INODE", 2: "MOUNT" })),
  mflags: required(uint(3)),
  mask: required(uint(4)),
  ignored_mask: required(uint(5)),
  s_dev: required(uint(6)),
  ie: nested(7, message({ i_ino: required(big(1)), f_handle: required(nested(2, handleEntry)) })),
  me: nested(8, message({ mnt_id: required(uint(1)), path: text(2) })),
})

/** `fsnotify.proto`. */
export const fanotifyEntry = message({
  id: required(uint(1)),
  flags: required(uint(2)),
  fown: required(nested(3, fownEntry)),
  faflags: required(uint(4)),
  evflags: required(uint(5)),
  mark: many(nested(6, fanotifyMarkEntry)),
})

/** `tun.proto`. */
export const tunEntry = message({ id: required(uint(1)), netdev: text(2), detached: bool(3), ns_id: uint(4) })

/** `ns.proto`. */
export const namespaceFileEntry = message({
  id: required(uint(1)),
  ns_id: required(uint(2)),
  ns_cflag: required(uint(3)),
  flags: required(uint(4)),
})

/** `ext-file.proto`: a file that a plugin takes care of. */
export const externalFileEntry = message({ id: required(uint(1)), fown: required(nested(5, fownEntry)) })

/** `memfd.proto`. */
export const memfdEntry = message({
  id: required(uint(1)),
  flags: required(uint(2)),
  pos: required(big(3)),
  fown: required(nested(4, fownEntry)),
  inode_id: required(uint(5)),
})

/** `bpfmap-file.proto`. */
export const bpfMapEntry = message({
  id: required(uint(1)),
  flags: required(uint(2)),
  pos: required(big(3)),
  fown: required(nested(4, fownEntry)),
  map_type: required(uint(5)),
  key_size: required(uint(6)),
  value_size: required(uint(7)),
  map_id: required(uint(8)),
  max_entries: required(uint(9)),
  map_flags: required(uint(10)),
  memlock: required(big(11)),
  frozen: required(bool(12)),
  map_name: required(text(13)),
  ifindex: required(uint(14)),
  mnt_id: sint(15),
  map_extra: big(16),
})

/** `bpfmap-data.proto`. Keys and values follow. */
export const bpfMapDataEntry = message({
  map_id: required(uint(1)),
  keys_bytes: required(uint(2)),
  values_bytes: required(uint(3)),
  count: required(uint(4)),
})

/** `pidfd.proto`. */
export const pidfdEntry = message({
  id: required(uint(1)),
  ino: required(uint(2)),
  flags: required(uint(3)),
  nspid: required(int(4)),
  fown: required(nested(5, fownEntry)),
})

/** `tty.proto`. */
export const ttyFileEntry = message({
  id: required(uint(1)),
  tty_info_id: required(uint(2)),
  flags: required(uint(3)),
  fown: required(nested(4, fownEntry)),
  regf_id: uint(6),
})

/** `fdinfo.proto` file_entry: one of everything that can be open, in `files.img`. */
export const fileEntry = message({
  type: required(enumeration(1, fileTypes)),
  id: required(uint(2)),
  reg: nested(3, regularFileEntry),
  isk: nested(4, inetSocketEntry),
  nsf: nested(5, namespaceFileEntry),
  psk: nested(6, packetSocketEntry),
  nlsk: nested(7, netlinkSocketEntry),
  efd: nested(8, eventfdEntry),
  epfd: nested(9, epollEntry),
  sgfd: nested(10, signalfdEntry),
  tunf: nested(11, tunEntry),
  tfd: nested(12, timerfdEntry),
  ify: nested(13, inotifyEntry),
  ffy: nested(14, fanotifyEntry),
  ext: nested(15, externalFileEntry),
  usk: nested(16, unixSocketEntry),
  fifo: nested(17, fifoEntry),
  pipe: nested(18, pipeEntry),
  tty: nested(19, ttyFileEntry),
  memfd: nested(20, memfdEntry),
  bpf: nested(21, bpfMapEntry),
  pidfd: nested(22, pidfdEntry),
})

/** `fs.proto`: working and root directories, by id of their files. */
export const fsEntry = message({ cwd_id: required(uint(1)), root_id: required(uint(2)), umask: uint(3) })

/** `file-lock.proto`. */
export const fileLockEntry = message({
  flag: required(uint(1)),
  type: required(uint(2)),
  pid: required(int(3)),
  fd: required(int(4)),
  start: required(int(5)),
  len: required(int(6)),
})

/** `remap-file-path.proto` remap_type. */
export const remapTypes: Names = { 0: "LINKED", 1: "GHOST", 2: "PROCFS" }

/** `remap-file-path.proto`: a file without a name, and what stands for it. */
export const remapEntry = message({
  orig_id: required(uint(1)),
  remap_id: required(uint(2)),
  remap_type: enumeration(3, remapTypes),
})

/** `tty.proto`. */
const termiosEntry = message({
  c_iflag: required(uint(1)),
  c_oflag: required(uint(2)),
  c_cflag: required(uint(3)),
  c_lflag: required(uint(4)),
  c_line: required(uint(5)),
  c_ispeed: required(uint(6)),
  c_ospeed: required(uint(7)),
  c_cc: many(uint(8)),
})

/** `tty.proto` TtyType. */
export const ttyTypes: Names = {
  0: "UNKNOWN",
  1: "PTY",
  2: "CONSOLE",
  3: "VT",
  4: "CTTY",
  5: "EXT_TTY",
  6: "SERIAL",
}

/** `tty.proto`. */
export const ttyInfoEntry = message({
  id: required(uint(1)),
  type: required(enumeration(2, ttyTypes)),
  locked: required(bool(3)),
  exclusive: required(bool(4)),
  packet_mode: required(bool(5)),
  sid: required(uint(6)),
  pgrp: required(uint(7)),
  rdev: required(uint(8)),
  termios: nested(9, termiosEntry),
  termios_locked: nested(10, termiosEntry),
  winsize: nested(
    11,
    message({
      ws_row: required(uint(1)),
      ws_col: required(uint(2)),
      ws_xpixel: required(uint(3)),
      ws_ypixel: required(uint(4)),
    }),
  ),
  pty: nested(12, message({ index: required(uint(1)) })),
  dev: uint(13),
  uid: uint(14),
  gid: uint(15),
})

/** `tty.proto`. */
export const ttyDataEntry = message({ tty_id: required(uint(1)), data: required(bytes(2)) })

/** `fh.proto`. */
export const irmapCacheEntry = message({ dev: required(uint(1)), inode: required(big(2)), path: required(text(3)) })

/** `autofs.proto`. */
export const autofsEntry = message({
  fd: required(int(1)),
  pgrp: required(int(2)),
  timeout: required(int(3)),
  minproto: required(int(4)),
  maxproto: required(int(5)),
  mode: required(int(6)),
  uid: int(7),
  gid: int(8),
  read_fd: int(9),
})
