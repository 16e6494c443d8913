/**
 * Tables of namespaces: mounts, network, cgroups and the rest of what processes share.
 *
 * Field numbers are facts of CRIU 4.2 `images/*.proto`, named at each message; names are CRIU's own.
 */
import {
  big,
  bool,
  bytes,
  type Decoded,
  enumeration,
  type Field,
  int,
  many,
  type Message,
  message,
  nested,
  type Names,
  required,
  text,
  uint,
} from "../Protobuf.ts"

/** `mnt.proto` fstype. */
export const fileSystemTypes: Names = {
  0: "UNSUPPORTED",
  1: "PROC",
  2: "SYSFS",
  3: "DEVTMPFS",
  4: "BINFMT_MISC",
  5: "TMPFS",
  6: "DEVPTS",
  7: "SIMFS",
  8: "PSTORE",
  9: "SECURITYFS",
  10: "FUSECTL",
  11: "DEBUGFS",
  12: "CGROUP",
  13: "AUFS",
  14: "MQUEUE",
  15: "FUSE",
  16: "AUTO",
  17: "OVERLAYFS",
  18: "AUTOFS",
  19: "TRACEFS",
  23: "CGROUP2",
}

/** `mnt.proto`. The tree is told by `parent_mnt_id`; its root is its own parent, or has one that is not there. */
export const mountEntry = message({
  fstype: required(uint(1)),
  mnt_id: required(uint(2)),
  root_dev: required(uint(3)),
  parent_mnt_id: required(uint(4)),
  flags: required(uint(5)),
  root: required(text(6)),
  mountpoint: required(text(7)),
  source: required(text(8)),
  options: required(text(9)),
  shared_id: uint(10),
  master_id: uint(11),
  with_plugin: bool(12),
  ext_mount: bool(13),
  fsname: text(14),
  internal_sharing: bool(15),
  deleted: bool(16),
  sb_flags: uint(17),
  ext_key: text(18),
})

/** `sysctl.proto`. */
const sysctlEntry = message({
  type: required(enumeration(1, { 5: "CTL_STR", 6: "CTL_32" })),
  iarg: int(2),
  sarg: text(3),
})

/** `netdev.proto` nd_type. */
export const deviceTypes: Names = {
  1: "LOOPBACK",
  2: "VETH",
  3: "TUN",
  4: "EXTLINK",
  5: "VENET",
  6: "BRIDGE",
  7: "MACVLAN",
  8: "SIT",
}

/** `netdev.proto`, with `tun.proto`, `macvlan.proto` and `sit.proto`. */
export const networkDeviceEntry = message({
  type: required(enumeration(1, deviceTypes)),
  ifindex: required(uint(2)),
  mtu: required(uint(3)),
  flags: required(uint(4)),
  name: required(text(5)),
  tun: nested(
    6,
    message({
      flags: required(uint(1)),
      owner: required(int(2)),
      group: required(int(3)),
      vnethdr: required(uint(4)),
      sndbuf: required(uint(5)),
    }),
  ),
  address: bytes(7),
  conf: many(int(8)),
  conf4: many(nested(9, sysctlEntry)),
  conf6: many(nested(10, sysctlEntry)),
  macvlan: nested(11, message({ mode: required(uint(1)), flags: uint(2) })),
  peer_ifindex: uint(12),
  peer_nsid: uint(13),
  master: uint(14),
  sit: nested(
    15,
    message({
      link: uint(1),
      local: many(uint(2)),
      remote: many(uint(3)),
      ttl: uint(4),
      tos: uint(5),
      pmtudisc: bool(6),
      proto: uint(7),
      flags: uint(8),
      encap_type: uint(9),
      encap_flags: uint(10),
      encap_sport: uint(11),
      encap_dport: uint(12),
      rd_prefixlen: uint(13),
      rd_prefix: many(uint(14)),
      relay_prefixlen: uint(15),
      relay_prefix: many(uint(16)),
    }),
  ),
})

/** `netdev.proto`. */
export const networkNamespaceEntry = message({
  def_conf: many(int(1)),
  all_conf: many(int(2)),
  def_conf4: many(nested(3, sysctlEntry)),
  all_conf4: many(nested(4, sysctlEntry)),
  def_conf6: many(nested(5, sysctlEntry)),
  all_conf6: many(nested(6, sysctlEntry)),
  nsids: many(nested(7, message({ target_ns_id: required(uint(1)), netnsid_value: required(int(2)) }))),
  ext_key: text(8),
  unix_conf: many(nested(9, sysctlEntry)),
  ipv4_sysctl: many(nested(10, sysctlEntry)),
})

/** `utsns.proto`. */
export const utsNamespaceEntry = message({ nodename: required(text(1)), domainname: required(text(2)) })

/** `pidns.proto`. */
export const pidNamespaceEntry = message({ ext_key: text(1) })

/** `userns.proto`: ids inside, ids outside, how many. */
const extent = message({ first: required(uint(1)), lower_first: required(uint(2)), count: required(uint(3)) })

/** `userns.proto`. */
export const userNamespaceEntry = message({ uid_map: many(nested(1, extent)), gid_map: many(nested(2, extent)) })

/** `timens.proto`. */
const timespec = message({ tv_sec: required(big(1)), tv_nsec: required(big(2)) })

/** `timens.proto`. */
export const timeNamespaceEntry = message({
  monotonic: required(nested(1, timespec)),
  boottime: required(nested(2, timespec)),
})

const cgroupPermissions = message({ mode: required(uint(1)), uid: required(uint(2)), gid: required(uint(3)) })

const cgroupProperty = message({
  name: required(text(1)),
  value: required(text(2)),
  perms: nested(3, cgroupPermissions),
})

interface CgroupDirectoryFields {
  readonly dir_name: Field<string, "required">
  readonly children: Field<ReadonlyArray<CgroupDirectory>, "repeated">
  readonly properties: Field<ReadonlyArray<Decoded<typeof cgroupProperty>>, "repeated">
  readonly dir_perms: Field<Decoded<typeof cgroupPermissions>, "optional">
  readonly [name: string]: Field<unknown>
}

export interface CgroupDirectory {
  readonly dir_name: string
  readonly children: ReadonlyArray<CgroupDirectory>
  readonly properties: ReadonlyArray<Decoded<typeof cgroupProperty>>
  readonly dir_perms?: Decoded<typeof cgroupPermissions>
}

const cgroupDirectory: Message<CgroupDirectoryFields> = message({
  dir_name: required(text(1)),
  children: many(nested(2, () => cgroupDirectory)) as unknown as Field<ReadonlyArray<CgroupDirectory>, "repeated">,
  properties: many(nested(3, cgroupProperty)),
  dir_perms: nested(4, cgroupPermissions),
})

/** `cgroup.proto`. */
export const cgroupEntry = message({
  sets: many(
    nested(
      1,
      message({
        id: required(uint(1)),
        ctls: many(nested(2, message({ name: required(text(1)), path: required(text(2)), cgns_prefix: uint(3) }))),
      }),
    ),
  ),
  controllers: many(
    nested(
      2,
      message({
        cnames: many(text(1)),
        dirs: many(nested(2, cgroupDirectory)) as unknown as Field<ReadonlyArray<CgroupDirectory>, "repeated">,
        is_threaded: bool(3),
      }),
    ),
  ),
})

interface ProfileNamespaceFields {
  readonly name: Field<string, "required">
  readonly policies: Field<ReadonlyArray<{ readonly name: string; readonly blob: Uint8Array }>, "repeated">
  readonly namespaces: Field<ReadonlyArray<ProfileNamespace>, "repeated">
  readonly [name: string]: Field<unknown>
}

export interface ProfileNamespace {
  readonly name: string
  readonly policies: ReadonlyArray<{ readonly name: string; readonly blob: Uint8Array }>
  readonly namespaces: ReadonlyArray<ProfileNamespace>
}

const profileNamespace: Message<ProfileNamespaceFields> = message({
  name: required(text(1)),
  policies: many(nested(2, message({ name: required(text(1)), blob: required(bytes(2)) }))),
  namespaces: many(nested(3, () => profileNamespace)) as unknown as Field<ReadonlyArray<ProfileNamespace>, "repeated">,
})

/** `apparmor.proto`. */
export const apparmorEntry = message({ namespaces: many(nested(1, profileNamespace)) })

/** `binfmt-misc.proto`. */
export const binfmtMiscEntry = message({
  name: required(text(1)),
  enabled: required(bool(2)),
  interpreter: required(text(3)),
  flags: text(4),
  extension: text(5),
  magic: text(6),
  mask: text(7),
  offset: int(8),
})
