/**
 * Tables of sockets and of what is in their way.
 *
 * Field numbers are facts of CRIU 4.2 `images/*.proto`, named at each message; names are CRIU's own.
 */
import {
  big,
  bool,
  bytes,
  enumeration,
  fixed,
  many,
  message,
  nested,
  type Names,
  required,
  sint,
  text,
  uint,
} from "../Protobuf.ts"

/** `fown.proto`: whom the kernel tells about a file. */
export const fownEntry = message({
  uid: required(uint(1)),
  euid: required(uint(2)),
  signum: required(uint(3)),
  pid_type: required(uint(4)),
  pid: required(uint(5)),
})

/** `sk-opts.proto`. */
export const socketOptions = message({
  so_sndbuf: required(uint(1)),
  so_rcvbuf: required(uint(2)),
  so_snd_tmo_sec: required(big(3)),
  so_snd_tmo_usec: required(big(4)),
  so_rcv_tmo_sec: required(big(5)),
  so_rcv_tmo_usec: required(big(6)),
  reuseaddr: bool(7),
  so_priority: uint(8),
  so_rcvlowat: uint(9),
  so_mark: uint(10),
  so_passcred: bool(11),
  so_passsec: bool(12),
  so_dontroute: bool(13),
  so_no_check: bool(14),
  so_bound_dev: text(15),
  so_filter: many(fixed(16)),
  so_reuseport: bool(17),
  so_broadcast: bool(18),
  so_keepalive: bool(19),
  tcp_keepcnt: uint(20),
  tcp_keepidle: uint(21),
  tcp_keepintvl: uint(22),
  so_oobinline: uint(23),
  so_linger: uint(24),
  so_buf_lock: uint(25),
})

/** `sk-opts.proto` sk_shutdown. */
export const shutdowns: Names = { 0: "NONE", 1: "READ", 2: "WRITE", 3: "BOTH" }

/** Linux `include/linux/socket.h`. */
export const socketFamilies: Names = { 1: "UNIX", 2: "INET", 10: "INET6", 16: "NETLINK", 17: "PACKET" }
/** Linux `include/linux/net.h`. */
export const socketTypes: Names = { 1: "STREAM", 2: "DGRAM", 3: "RAW", 5: "SEQPACKET", 10: "PACKET" }
/** Linux `include/uapi/linux/in.h`. */
export const socketProtocols: Names = {
  0: "IP",
  1: "ICMP",
  6: "TCP",
  17: "UDP",
  58: "ICMPV6",
  136: "UDPLITE",
  255: "RAW",
}
/** Linux `include/net/tcp_states.h`. */
export const tcpStates: Names = {
  1: "ESTABLISHED",
  2: "SYN_SENT",
  3: "SYN_RECV",
  4: "FIN_WAIT1",
  5: "FIN_WAIT2",
  6: "TIME_WAIT",
  7: "CLOSE",
  8: "CLOSE_WAIT",
  9: "LAST_ACK",
  10: "LISTEN",
}

/** `tcp-stream.proto`. */
const tcpOptions = message({
  cork: bool(1),
  nodelay: bool(2),
  keepcnt: uint(3),
  keepidle: uint(4),
  keepintvl: uint(5),
})

/** `sk-inet.proto`. Addresses are words in network order: one for IPv4, four for IPv6. */
export const inetSocketEntry = message({
  id: required(uint(1)),
  ino: required(uint(2)),
  family: required(uint(3)),
  type: required(uint(4)),
  proto: required(uint(5)),
  state: required(uint(6)),
  src_port: required(uint(7)),
  dst_port: required(uint(8)),
  flags: required(uint(9)),
  backlog: required(uint(10)),
  src_addr: many(uint(11)),
  dst_addr: many(uint(12)),
  fown: required(nested(13, fownEntry)),
  opts: required(nested(14, socketOptions)),
  v6only: bool(15),
  ip_opts: nested(
    16,
    message({
      freebind: bool(1),
      raw: nested(4, message({ hdrincl: bool(1), nodefrag: bool(2), checksum: bool(3), icmpv_filter: many(uint(4)) })),
      pktinfo: bool(5),
      tos: uint(6),
      ttl: uint(7),
    }),
  ),
  ifname: text(17),
  ns_id: uint(18),
  shutdown: enumeration(19, shutdowns),
  tcp_opts: nested(20, tcpOptions),
})

/** `sk-unix.proto`. An abstract name begins with a zero byte. */
export const unixSocketEntry = message({
  id: required(uint(1)),
  ino: required(uint(2)),
  type: required(uint(3)),
  state: required(uint(4)),
  flags: required(uint(5)),
  uflags: required(uint(6)),
  backlog: required(uint(7)),
  peer: required(uint(8)),
  fown: required(nested(9, fownEntry)),
  opts: required(nested(10, socketOptions)),
  name: required(bytes(11)),
  shutdown: enumeration(12, shutdowns),
  file_perms: nested(13, message({ mode: required(uint(1)), uid: required(uint(2)), gid: required(uint(3)) })),
  name_dir: text(14),
  deleted: bool(15),
  ns_id: uint(16),
  mnt_id: sint(17),
})

/** `sk-netlink.proto`. */
export const netlinkSocketEntry = message({
  id: required(uint(1)),
  ino: required(uint(2)),
  protocol: required(uint(3)),
  state: required(uint(4)),
  flags: required(uint(6)),
  portid: required(uint(7)),
  groups: many(uint(8)),
  dst_portid: required(uint(9)),
  dst_group: required(uint(10)),
  fown: required(nested(11, fownEntry)),
  opts: required(nested(12, socketOptions)),
  ns_id: uint(13),
})

/** `packet-sock.proto`. */
const packetRing = message({
  block_size: required(uint(1)),
  block_nr: required(uint(2)),
  frame_size: required(uint(3)),
  frame_nr: required(uint(4)),
  retire_tmo: required(uint(5)),
  sizeof_priv: required(uint(6)),
  features: required(uint(7)),
})

/** `packet-sock.proto`. */
export const packetSocketEntry = message({
  id: required(uint(1)),
  type: required(uint(2)),
  protocol: required(uint(3)),
  flags: required(uint(4)),
  ifindex: required(uint(5)),
  fown: required(nested(6, fownEntry)),
  opts: required(nested(7, socketOptions)),
  version: required(uint(8)),
  reserve: required(uint(9)),
  aux_data: required(bool(10)),
  orig_dev: required(bool(11)),
  vnet_hdr: required(bool(12)),
  loss: required(bool(13)),
  timestamp: required(uint(14)),
  copy_thresh: required(uint(15)),
  mclist: many(nested(16, message({ index: required(uint(1)), type: required(uint(2)), addr: required(bytes(3)) }))),
  fanout: uint(17),
  rx_ring: nested(18, packetRing),
  tx_ring: nested(19, packetRing),
  ns_id: uint(20),
})

/** `sk-packet.proto`: one message in a socket's queue. Its content follows. */
export const queuedPacketEntry = message({
  id_for: required(uint(1)),
  length: required(uint(2)),
  scm: many(nested(4, message({ type: required(uint(1)), rights: many(uint(2)) }))),
})

/** `tcp-stream.proto`. The two queues follow. */
export const tcpStreamEntry = message({
  inq_len: required(uint(1)),
  inq_seq: required(uint(2)),
  outq_len: required(uint(3)),
  outq_seq: required(uint(4)),
  opt_mask: required(uint(5)),
  snd_wscale: required(uint(6)),
  mss_clamp: required(uint(7)),
  rcv_wscale: uint(8),
  timestamp: uint(9),
  cork: bool(10),
  nodelay: bool(11),
  unsq_len: uint(12),
  snd_wl1: uint(13),
  snd_wnd: uint(14),
  max_window: uint(15),
  rcv_wnd: uint(16),
  rcv_wup: uint(17),
})
