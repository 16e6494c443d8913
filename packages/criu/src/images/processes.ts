/**
 * Tables of the images that describe processes: who there is, as whom they run, what they wait for.
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

/** `core.proto` task_kobj_ids_entry, also alone in `ids-*.img`. */
export const idsEntry = message({
  vm_id: required(uint(1)),
  files_id: required(uint(2)),
  fs_id: required(uint(3)),
  sighand_id: required(uint(4)),
  pid_ns_id: uint(5),
  net_ns_id: uint(6),
  ipc_ns_id: uint(7),
  uts_ns_id: uint(8),
  mnt_ns_id: uint(9),
  user_ns_id: uint(10),
  cgroup_ns_id: uint(11),
  time_ns_id: uint(12),
})

/** `inventory.proto` lsmtype. */
export const securityModules: Names = { 0: "NO_LSM", 1: "SELINUX", 2: "APPARMOR" }

/** `inventory.proto`. */
export const inventoryEntry = message({
  img_version: required(uint(1)),
  fdinfo_per_id: bool(2),
  root_ids: nested(3, idsEntry),
  ns_per_id: bool(4),
  root_cg_set: uint(5),
  lsmtype: enumeration(6, securityModules),
  dump_uptime: big(8),
  pre_dump_mode: uint(9),
  tcp_close: bool(10),
  network_lock_method: uint(11),
  plugins_entry: nested(12, message({ plugins: many(text(12)) })),
  dump_criu_run_id: text(13),
  allow_uprobes: bool(14),
})

/** `pstree.proto`. */
export const pstreeEntry = message({
  pid: required(uint(1)),
  ppid: required(uint(2)),
  pgid: required(uint(3)),
  sid: required(uint(4)),
  threads: many(uint(5)),
})

/** `creds.proto`. Capabilities are words of 32 bits, the lowest first. */
export const credsEntry = message({
  uid: required(uint(1)),
  gid: required(uint(2)),
  euid: required(uint(3)),
  egid: required(uint(4)),
  suid: required(uint(5)),
  sgid: required(uint(6)),
  fsuid: required(uint(7)),
  fsgid: required(uint(8)),
  cap_inh: many(uint(9)),
  cap_prm: many(uint(10)),
  cap_eff: many(uint(11)),
  cap_bnd: many(uint(12)),
  secbits: required(uint(13)),
  groups: many(uint(14)),
  lsm_profile: text(15),
  lsm_sockcreate: text(16),
  apparmor_data: bytes(17),
  no_new_privs: uint(18),
  cap_amb: many(uint(19)),
})

/** `seccomp.proto`: filters refer to the one below them by its place in the list. */
export const seccompEntry = message({
  seccomp_filters: many(nested(1, message({ filter: required(bytes(1)), prev: uint(2), flags: uint(3) }))),
})

/** `core.proto` seccomp_mode. */
export const seccompModes: Names = { 0: "disabled", 1: "strict", 2: "filter" }

/** `sa.proto`. */
export const sigactionEntry = message({
  sigaction: required(big(1)),
  flags: required(big(2)),
  restorer: required(big(3)),
  mask: required(big(4)),
  compat_sigaction: bool(5),
  mask_extended: big(6),
})

/** `rlimit.proto`; 2⁶⁴−1 is no limit. */
export const rlimitEntry = message({ cur: required(big(1)), max: required(big(2)) })

/** `timer.proto`. */
export const itimerEntry = message({
  isec: required(big(1)),
  iusec: required(big(2)),
  vsec: required(big(3)),
  vusec: required(big(4)),
})

/** `timer.proto`. */
export const posixTimerEntry = message({
  it_id: required(uint(1)),
  clock_id: required(uint(2)),
  si_signo: required(uint(3)),
  it_sigev_notify: required(uint(4)),
  sival_ptr: required(big(5)),
  overrun: required(uint(6)),
  isec: required(big(7)),
  insec: required(big(8)),
  vsec: required(big(9)),
  vnsec: required(big(10)),
  notify_thread_id: int(11),
})

const timersEntry = message({
  real: required(nested(1, itimerEntry)),
  virt: required(nested(2, itimerEntry)),
  prof: required(nested(3, itimerEntry)),
  posix: many(nested(4, posixTimerEntry)),
})

/** `siginfo.proto`. */
export const signalQueueEntry = message({ signals: many(nested(1, message({ siginfo: required(bytes(1)) }))) })

/** `core.proto` task_core_entry. */
export const taskCoreEntry = message({
  task_state: required(uint(1)),
  exit_code: required(uint(2)),
  personality: required(uint(3)),
  flags: required(uint(4)),
  blk_sigset: required(big(5)),
  comm: required(text(6)),
  timers: nested(7, timersEntry),
  rlimits: nested(8, message({ rlimits: many(nested(1, rlimitEntry)) })),
  cg_set: uint(9),
  signals_s: nested(10, signalQueueEntry),
  old_seccomp_mode: enumeration(11, seccompModes),
  old_seccomp_filter: uint(12),
  loginuid: uint(13),
  oom_score_adj: int(14),
  sigactions: many(nested(15, sigactionEntry)),
  child_subreaper: bool(18),
  blk_sigset_extended: big(20),
  stop_signo: uint(21),
  membarrier_registration_mask: uint(22),
})

/** States of a task in a dump (`compel/include/uapi/task-state.h`, `criu/include/pid.h`). */
export const taskStates: Names = { 1: "alive", 2: "dead", 3: "stopped", 6: "zombie", 128: "helper" }

/** `core.proto` thread_core_entry, with `rseq.proto`. */
export const threadCoreEntry = message({
  futex_rla: required(big(1)),
  futex_rla_len: required(uint(2)),
  sched_nice: sint(3),
  sched_policy: uint(4),
  sched_prio: uint(5),
  blk_sigset: big(6),
  sas: nested(7, message({ ss_sp: required(big(1)), ss_size: required(big(2)), ss_flags: required(uint(3)) })),
  pdeath_sig: uint(8),
  signals_p: nested(9, signalQueueEntry),
  creds: nested(10, credsEntry),
  seccomp_mode: enumeration(11, seccompModes),
  seccomp_filter: uint(12),
  comm: text(13),
  blk_sigset_extended: big(14),
  rseq_entry: nested(
    15,
    message({
      rseq_abi_pointer: required(big(1)),
      rseq_abi_size: required(uint(2)),
      signature: required(uint(3)),
      rseq_cs_pointer: big(4),
    }),
  ),
  cg_set: uint(16),
})

/** `core-x86.proto`: general registers, 64 and 32 bits wide alike. */
const x86Registers = message({
  r15: required(big(1)),
  r14: required(big(2)),
  r13: required(big(3)),
  r12: required(big(4)),
  bp: required(big(5)),
  bx: required(big(6)),
  r11: required(big(7)),
  r10: required(big(8)),
  r9: required(big(9)),
  r8: required(big(10)),
  ax: required(big(11)),
  cx: required(big(12)),
  dx: required(big(13)),
  si: required(big(14)),
  di: required(big(15)),
  orig_ax: required(big(16)),
  ip: required(big(17)),
  cs: required(big(18)),
  flags: required(big(19)),
  sp: required(big(20)),
  ss: required(big(21)),
  fs_base: required(big(22)),
  gs_base: required(big(23)),
  ds: required(big(24)),
  es: required(big(25)),
  fs: required(big(26)),
  gs: required(big(27)),
  mode: enumeration(28, { 1: "NATIVE", 2: "COMPAT" }),
})

/** `core-x86.proto`: the parts of the extended state that the processor had switched on. */
const x86Xsave = message({
  xstate_bv: required(big(1)),
  ymmh_space: many(uint(2)),
  bndreg_state: many(big(3)),
  bndcsr_state: many(big(4)),
  opmask_reg: many(big(5)),
  zmm_upper: many(big(6)),
  hi16_zmm: many(big(7)),
  pkru: many(uint(8)),
  cet: nested(9, message({ cet: required(big(1)), ssp: required(big(2)) })),
})

const x86FloatingPoint = message({
  cwd: required(uint(1)),
  swd: required(uint(2)),
  twd: required(uint(3)),
  fop: required(uint(4)),
  rip: required(big(5)),
  rdp: required(big(6)),
  mxcsr: required(uint(7)),
  mxcsr_mask: required(uint(8)),
  st_space: many(uint(9)),
  xmm_space: many(uint(10)),
  padding: many(uint(11)),
  xsave: nested(13, x86Xsave),
})

const x86Segment = message({
  entry_number: required(uint(1)),
  base_addr: required(uint(2)),
  limit: required(uint(3)),
  seg_32bit: required(bool(4)),
  contents_h: required(bool(5)),
  contents_l: required(bool(6)),
  read_exec_only: required(bool(7)),
  limit_in_pages: required(bool(8)),
  seg_not_present: required(bool(9)),
  usable: required(bool(10)),
})

const x86Thread = message({
  clear_tid_addr: required(big(1)),
  gpregs: required(nested(2, x86Registers)),
  fpregs: required(nested(3, x86FloatingPoint)),
  tls: many(nested(4, x86Segment)),
})

/** `core-aarch64.proto`. */
const aarch64Thread = message({
  clear_tid_addr: required(big(1)),
  tls: required(big(2)),
  gpregs: required(
    nested(3, message({ regs: many(big(1)), sp: required(big(2)), pc: required(big(3)), pstate: required(big(4)) })),
  ),
  fpsimd: required(nested(4, message({ vregs: many(big(1)), fpsr: required(uint(2)), fpcr: required(uint(3)) }))),
  pac_keys: nested(
    5,
    message({
      pac_address_keys: nested(
        6,
        message({
          apiakey_lo: required(big(1)),
          apiakey_hi: required(big(2)),
          apibkey_lo: required(big(3)),
          apibkey_hi: required(big(4)),
          apdakey_lo: required(big(5)),
          apdakey_hi: required(big(6)),
          apdbkey_lo: required(big(7)),
          apdbkey_hi: required(big(8)),
          pac_enabled_key: required(big(9)),
        }),
      ),
      pac_generic_keys: nested(7, message({ apgakey_lo: required(big(1)), apgakey_hi: required(big(2)) })),
    }),
  ),
})

/** `core.proto` core_entry.march. */
export const machines: Names = {
  0: "UNKNOWN",
  1: "X86_64",
  2: "ARM",
  3: "AARCH64",
  4: "PPC64",
  5: "S390",
  6: "MIPS",
  7: "LOONGARCH64",
  8: "RISCV64",
}

/**
 * `core.proto`: one task or thread. Registers of processors that this project has not been run on (fields 6 and 9 to
 * 13) are kept as unknown fields.
 */
export const coreEntry = message({
  mtype: required(enumeration(1, machines)),
  thread_info: nested(2, x86Thread),
  tc: nested(3, taskCoreEntry),
  ids: nested(4, idsEntry),
  thread_core: nested(5, threadCoreEntry),
  ti_aarch64: nested(8, aarch64Thread),
})

/** `cpuinfo.proto`. */
export const cpuinfoEntry = message({
  x86_entry: many(
    nested(
      1,
      message({
        vendor_id: required(enumeration(1, { 0: "UNKNOWN", 1: "INTEL", 2: "AMD" })),
        cpu_family: required(uint(2)),
        model: required(uint(3)),
        stepping: required(uint(4)),
        capability_ver: required(uint(5)),
        capability: many(uint(6)),
        model_id: text(7),
        xfeatures_mask: big(8),
        xsave_size: uint(9),
        xsave_size_max: uint(10),
      }),
    ),
  ),
  ppc64_entry: many(
    nested(
      2,
      message({
        endian: required(enumeration(1, { 0: "BIGENDIAN", 1: "LITTLEENDIAN" })),
        hwcap: many(big(2)),
      }),
    ),
  ),
  s390_entry: many(nested(3, message({ hwcap: many(big(2)) }))),
})

/** `stats.proto`. Times are microseconds. */
export const statsEntry = message({
  dump: nested(
    1,
    message({
      freezing_time: required(uint(1)),
      frozen_time: required(uint(2)),
      memdump_time: required(uint(3)),
      memwrite_time: required(uint(4)),
      pages_scanned: required(uint(5)),
      pages_skipped_parent: required(uint(6)),
      pages_written: required(uint(7)),
      irmap_resolve: uint(8),
      pages_lazy: required(uint(9)),
      page_pipes: uint(10),
      page_pipe_bufs: uint(11),
      shpages_scanned: uint(12),
      shpages_skipped_parent: uint(13),
      shpages_written: uint(14),
    }),
  ),
  restore: nested(
    2,
    message({
      pages_compared: required(uint(1)),
      pages_skipped_cow: required(uint(2)),
      forking_time: required(uint(3)),
      restore_time: required(uint(4)),
      pages_restored: uint(5),
    }),
  ),
})
