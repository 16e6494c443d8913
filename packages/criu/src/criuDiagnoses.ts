/**
 * Error lines of CRIU that have a known cause, and what can be done.
 *
 * Sentences and remedies speak of the container. Where an option helps, it has CRIU's word (criu(8)), which is also the
 * command line's; those that are no option of a checkpoint or a restore are not named. The comment beside each line is its
 * place in the sources of CRIU 4.2; the order matters where one line fits two patterns. Those marked with * were also seen
 * with CRIU 4.2.1 on Linux 6.18.
 */

export type DiagnosisCode =
  | "tcpEstablished"
  | "tcpInImage"
  | "tcpCloseInImage"
  | "inFlight"
  | "fileLocks"
  | "ghostFileLimit"
  | "unlinkedFile"
  | "externalMount"
  | "externalUnixSocket"
  | "externalUnixSocketInImage"
  | "foreignUnixSocket"
  | "unixSocketMissing"
  | "outerTerminal"
  | "externalTerminal"
  | "foreignSession"
  | "hostFile"
  | "limitsHidden"
  | "watchLost"
  | "ioUring"
  | "multipathTcp"
  | "unsupportedFile"
  | "nestedMountNamespace"
  | "criuTooOldForSockets"
  | "criuTooOldForVdso"
  | "criuTooOldForMounts"
  | "notFrozen"
  | "iptablesMissing"
  | "ipMissing"
  | "networkLock"
  | "pidTaken"
  | "addressInUse"
  | "addressMissing"
  | "fileChanged"
  | "fileMissing"
  | "namespaceMissing"
  | "cgroup"
  | "seccomp"
  | "securityProfile"
  | "cpuMismatch"
  | "userfaultfd"
  | "imageDamaged"
  | "parentMissing"
  | "spaceMissing"

export interface Diagnosis {
  readonly code: DiagnosisCode
  /** What stood in the way. */
  readonly sentence: string
  /** What to do about it. */
  readonly remedy: string
}

interface KnownLine extends Diagnosis {
  readonly pattern: RegExp
}

const known = (code: DiagnosisCode, pattern: RegExp, sentence: string, remedy: string): KnownLine => ({
  code,
  pattern,
  sentence,
  remedy,
})

const newerCriu = "use a newer CRIU; the system check says which one this kernel needs"

export const diagnoses: ReadonlyArray<KnownLine> = [
  known(
    "tcpEstablished",
    /Connected TCP socket, consider using/, // sk-inet.c, can_dump_inet_sk *
    "the container has established TCP connections",
    "take them along with --tcp-established, or close them first",
  ),
  known(
    "tcpInImage",
    /Connected TCP socket in image/, // sk-inet.c, open_inet_sk *
    "the checkpoint has established TCP connections",
    "restore them with --tcp-established, or have them closed with --tcp-close",
  ),
  known(
    "tcpCloseInImage",
    /Need to set the --tcp-close options/, // image.c, check_img_inventory
    "the checkpoint was made with its TCP connections to be closed",
    "have the connections closed with --tcp-close",
  ),
  known(
    "inFlight",
    /In-flight connection/, // sk-inet.c, can_dump_inet_sk *
    "a client of the container waits for its connection to be accepted",
    "leave such connections out with --skip-in-flight, or try again when the container has accepted them",
  ),
  known(
    "fileLocks",
    /Some file locks are hold by dumping tasks/, // file-lock.c, dump_file_locks, note_file_lock *
    "the container holds file locks",
    "take them along with --file-locks; nobody outside the container may then use the same files",
  ),
  known(
    "ghostFileLimit",
    /Can't dump ghost file .* size, increase limit/, // files-reg.c, dump_ghost_remap *
    "the container has a deleted file open that is larger than CRIU takes into a checkpoint",
    "raise the limit with --ghost-limit, or have the program close the file",
  ),
  known(
    "unlinkedFile",
    /Can't create link remap for/, // files-reg.c, create_link_remap *
    "the container has a file open whose name was deleted while another name remains",
    "take it along with --link-remap, or have the program close the file",
  ),
  known(
    "externalMount",
    /doesn't have a proper root mount|is autodetected external mount/, // mount.c, validate_mounts, get_mp_root
    "a mount of the container comes from outside of it and the runtime did not tell CRIU about it",
    "mount it with the container's configuration and not afterwards",
  ),
  known(
    "externalUnixSocket",
    // sk-unix.c, __dump_external_socket *
    /External socket is used|Can't dump half of stream unix connection|Can't dump name-less external socket/,
    "the container is connected to a Unix socket outside of it",
    "take a datagram socket along with --ext-unix-sk; any other connection has to be closed before the checkpoint",
  ),
  known(
    "unixSocketMissing",
    /unix: Can't connect \d+ socket: (?:No such file or directory|Connection refused)/, // sk-unix.c, post_open_standalone *
    "the Unix socket that the container was connected to is not there",
    "start what listens there, and have its path lead to the same place inside and outside of the container",
  ),
  known(
    "outerTerminal",
    // tty.c, tty_find_restore_task, pty_open_unpaired_slave *
    /tty: (?:No task found with sid 0|Don't have tty to inherit session from)/,
    "a process of the checkpoint was on a terminal that was opened outside of the container, and there is none to give it",
    "end interactive sessions, and what they have started, before the checkpoint",
  ),
  known(
    "foreignUnixSocket",
    /unix: Unix socket \d+ without peer \d+/, // sk-unix.c, dump_one_unix_fd *
    "the container is connected to a Unix socket of another network namespace",
    "close the connection before the checkpoint, or give the container the network of the other side",
  ),
  known(
    "externalUnixSocketInImage",
    /External socket found in image/, // sk-unix.c, collect_one_unixsk
    "the checkpoint has sockets that were connected to Unix sockets outside of the container",
    "have them connected to what is there now with --ext-unix-sk",
  ),
  known(
    "externalTerminal",
    /Found slave peer index \d+ without correspond master peer/, // tty.c, tty_verify_active_pairs *
    "a process of the container uses a terminal that was opened outside of it",
    "end the interactive session, or give the container a terminal of its own",
  ),
  known(
    "foreignSession",
    /A session leader of .* is outside of its pid namespace/, // cr-dump.c, dump_one_task, dump_zombies *
    "a process was started in the container from outside of it, as exec does",
    "end the processes started by exec before the checkpoint",
  ),
  known(
    "hostFile",
    /Can't lookup mount=-?\d+ for fd=/, // files-reg.c, dump_one_reg_file
    "the container has a file open that lies outside of it on the host",
    "start it with standard streams that are pipes or a terminal, or close the file",
  ),
  known(
    "limitsHidden",
    /Can't get rlimit \d+: Operation not permitted/, // cr-dump.c, dump_task_rlimits *
    "CRIU may not read the limits of processes that belong to another user",
    "run with CAP_SYS_RESOURCE, or run the programs of the container as root",
  ),
  known(
    "watchLost",
    /fsnotify:\s+Can't dump that handle/, // fsnotify.c, check_open_handle
    "a process of the container watches a file that cannot be found again by its name",
    "have the program end its inotify or fanotify watch before the checkpoint",
  ),
  known(
    "ioUring",
    // proc_parse.c, vma_get_mapfile, criu#2131; pie/parasite.c: EINVAL, since Linux hands no io_uring over sockets *
    /anon_inode:\[io_uring\]|send_fds failed \(-22\)/,
    "a process of the container uses io_uring, which CRIU cannot dump",
    "switch io_uring off in the program, or forbid it to the container with seccomp",
  ),
  known(
    "multipathTcp",
    /Unsupported proto 262 for socket|GODEBUG=multipathtcp=0/, // sk-inet.c, can_dump_ipproto; 262 is IPPROTO_MPTCP
    "the container uses multipath TCP, which CRIU cannot dump",
    "switch multipath TCP off in the program; for Go programs set GODEBUG=multipathtcp=0",
  ),
  known(
    "unsupportedFile",
    /Can't dump file \d+ of that type|Unsupported proto \d+ for socket/, // files-ext.c, dump_unsupp_fd; sk-inet.c
    "the container has a device, socket or special file open that CRIU cannot dump",
    "have the program close it before the checkpoint",
  ),
  known(
    "nestedMountNamespace",
    /Nested mount namespaces are not supported/, // mount.c, dump_mnt_namespaces
    "a process of the container has a mount namespace of its own",
    "end programs in the container that make containers or sandboxes themselves",
  ),
  known(
    "criuTooOldForSockets",
    /Can't get 1:(?:16|34)(?:\(\d+\))? opt: Operation not supported/, // sockets.c before 4.2; criu#2705, criu#2718
    "this CRIU cannot dump internet sockets on this kernel",
    newerCriu,
  ),
  known(
    "criuTooOldForVdso",
    /Unexpected rt vDSO area bounds/, // vdso.c before 4.1; criu#2532
    "this CRIU does not know the vDSO of this kernel",
    newerCriu,
  ),
  known(
    "criuTooOldForMounts",
    /mnt-v2: Failed to make mount \d+ \w+: Invalid argument/, // mount-v2.c before 4.1.1; criu#2694
    "this CRIU cannot restore mounts on this kernel",
    newerCriu,
  ),
  known(
    "notFrozen",
    /Unable to freeze cgroup/, // seize.c, freeze_processes
    "the processes of the container could not be frozen in time",
    "try again when the host is less busy; a process in uninterruptible sleep cannot be frozen",
  ),
  known(
    "iptablesMissing",
    // util.c, cr_system_userns; net.c, restore_iptables *
    /execvp\("ip6?tables[^"]*", \.\.\.\) failed: No such file|Can't restore iptables dump - no legacy version present/,
    "CRIU needs iptables to hold the network of the container still, and it is not installed",
    "install iptables",
  ),
  known(
    "ipMissing",
    /execvp\("ip", \.\.\.\) failed/, // util.c, cr_system_userns; net.c, run_ip_tool *
    "CRIU needs the program ip to read and set up the network of the container, and it is not installed",
    "install iproute2",
  ),
  known(
    "networkLock",
    /Locking network failed|CRIU was built without libnftables support/, // net.c, iptables_network_lock_internal, nftables_lock_network_internal
    "the network of the container could not be held still during the dump",
    "make iptables or nftables work in network namespaces of this kernel, or choose another way with --network-lock",
  ),
  known(
    "pidTaken",
    /Can't fork for \d+: File exists|Pid \d+ do not match expected/, // cr-restore.c, fork_with_pid, __restore_task_with_children *
    "a process of the checkpoint has a pid that another process has now",
    "end the other process, or restore into a container with a pid namespace of its own",
  ),
  known(
    "addressInUse",
    /Can't bind inet socket.*: Address already in use/, // sk-inet.c, inet_bind; soccr.c *
    "an address and port of the checkpoint is in use on this host",
    "end the program that listens there, or restore the container with a network of its own",
  ),
  known(
    "addressMissing",
    /Can't (?:bind|connect) inet socket.*: Cannot assign requested address/, // sk-inet.c, inet_bind; soccr.c
    "a connection of the checkpoint has an address that this host or container does not have",
    "give the container its former address, or have the connections closed with --tcp-close",
  ),
  known(
    "fileChanged",
    /File .* has bad (?:size|mode|build-ID)/, // files-reg.c, validate_file, validate_with_build_id, open_path
    "a file that the container uses is not the same as when the checkpoint was made",
    "restore it with the root filesystem, image and volumes of the checkpoint",
  ),
  known(
    "fileMissing",
    /Can't open file .*: No such file or directory/, // files-reg.c, open_path
    "a file that the container had open does not exist here",
    "restore it with the root filesystem, image and volumes of the checkpoint",
  ),
  known(
    "namespaceMissing",
    // net.c, net_set_ext, get_socket_ns; cr-restore.c, fork_with_pid
    /Unable to find an external (?:netns|pidns)|Unable to dump a socket from an external network namespace/,
    "the container shares a namespace that the runtime did not name to CRIU",
    "checkpoint and restore it with the same namespaces",
  ),
  known(
    "cgroup",
    // cgroup.c, move_in_cgroup, prepare_cgroup_dirs
    /cg: (?:Can't move into|Can't make cgroup dir|Failed accessing cgroup dir|Cgroup dir .* doesn't exist)/,
    "the cgroups of the checkpoint could not be made on this host",
    "restore on a host with the same cgroup layout, or without cgroups of the checkpoint's own",
  ),
  known(
    "seccomp",
    // cr-restore.c, attach_to_tasks; cr-check.c; seccomp.c, collect_filter
    /failed to suspend seccomp|doesn't support PTRACE_O_SUSPEND_SECCOMP|Can't fetch filter on tid_real/,
    "the kernel does not let CRIU look into the seccomp filters of the container",
    "use a kernel with CONFIG_CHECKPOINT_RESTORE and seccomp filters, and run with all privileges",
  ),
  known(
    "securityProfile",
    /can't write lsm profile/, // pie/restorer.c, lsm_set_label; podman#12437
    "the security profile of the checkpoint is not loaded on this host",
    "load the AppArmor profile or SELinux policy that the container ran under",
  ),
  known(
    "cpuMismatch",
    // arch/x86/cpu.c, cpu_validate_features and its helpers
    /CPU (?:instruction )?capabilities do not match run time|CPU xfeatures has unsupported bits|CPU xsave (?:max )?size mismatch/,
    "the processor of this host lacks features that the checkpoint was made with",
    "restore on a host with the same or a newer processor",
  ),
  known(
    "userfaultfd",
    /Lazy pages are not available|UFFD is not supported|Non-cooperative UFFD is not supported/, // kerndat.c, cr-check.c
    "this kernel cannot load memory while the container runs",
    "restore with all memory at once",
  ),
  known(
    "parentMissing",
    // page-xfer.c, open_page_local_xfer, write_pagemap_loc, check_pagehole_in_parent
    /No parent image found, though parent directory is set|Hole .* not found in parent|Missing .* in parent pagemap/,
    "the checkpoint builds on an earlier one that is not there",
    "give the earlier checkpoint as well",
  ),
  known(
    "imageDamaged",
    /agic doesn't match for|Too old image, no longer supported|Not supported images version/, // image.c
    "the files of the checkpoint are damaged or of another CRIU",
    "get another copy of the checkpoint, or use the CRIU that made it",
  ),
  known(
    "spaceMissing",
    /No space left on device/, // strerror(ENOSPC), after any write: bfd.c, image.c, protobuf.c, page-xfer.c *
    "the file system of the checkpoint is full",
    "make room, or put the checkpoint elsewhere",
  ),
]

/** What is said of a line with this code, for whoever sees the cause before CRIU does. */
export const diagnosisOf = (wanted: DiagnosisCode): Diagnosis => {
  const known = diagnoses.find(({ code }) => code === wanted)
  if (known === undefined) throw new Error(`${wanted} has no diagnosis`)
  const { code, remedy, sentence } = known
  return { code, sentence, remedy }
}
