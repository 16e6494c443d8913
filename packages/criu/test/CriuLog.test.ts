import { describe, expect, it } from "vitest"
import { type DiagnosisCode, diagnoses } from "../src/criuDiagnoses.ts"
import { errorsOf, firstError, lastError, explanationOf, remedyOf } from "../src/index.ts"

/** Shortened from criu#2804: crun, CRIU 4.1, Linux 6.17. */
const dumpLog = `(00.000000) Version: 4.1 (gitid 0)
(00.000101) Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted
(00.100000) Warn  (criu/cr-dump.c:12): Error (is not one): of these
(00.118198) Error (criu/sockets.c:628): sockets: Can't get 1:16 opt: Operation not supported
(00.118203) Error (criu/sockets.c:628): sockets: Can't get 1:34 opt: Operation not supported
(00.118234) Error (criu/cr-dump.c:1681): Dump files (pid: 104238) failed with -1
(00.139070) net: Unlock network
(00.150000) Error (criu/cr-dump.c:2111): Dumping FAILED.
`

/** Made with CRIU 4.2.1: a process with a network namespace of its own, and no iptables on PATH. */
const withoutIptables = `Error (criu/util.c:642): execvp("ip6tables-restore", ...) failed: No such file or directory
(00.043191) Error (criu/util.c:657): exited, status=1
(00.043197) Error (criu/net.c:3436): net: Locking network failed: iptables-restore returned -1. This may be connected to disabled CONFIG_NETFILTER_XT_MARK kernel build config option.
(00.045811) Error (criu/util.c:657): exited, status=1
(00.046310) Error (criu/cr-dump.c:1975): Dumping FAILED.
`

/** Made with CRIU 4.2.1: a listening socket whose port another process has. */
const restoreLog = `(00.034026) Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted
(00.035636)   4227: Error (criu/sk-inet.c:1059): inet: Can't bind inet socket (id 26): Address already in use
(00.035644)   4227: Error (criu/files.c:1221): Unable to open fd=3 id=0x1a
(00.035692) Error (criu/cr-restore.c:2331): Restoring FAILED.
`

/** Made with CRIU 4.2.1: two processes that share a socket with a connection; which line comes last is chance. */
const restoreOfTwo = (
  last: string,
) => `(00.034026) Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: x
(00.035636)     12: Error (criu/sk-inet.c:912): inet: Connected TCP socket in image
(00.035644)     12: Error (criu/files.c:1221): Unable to open fd=4 id=0x1a
${last}
(00.035692) Error (criu/cr-restore.c:2331): Restoring FAILED.
`
const orders = [
  "(00.035650) Error (criu/cr-restore.c:1265): 4711 exited, status=1",
  "(00.035650)      1: Error (criu/files.c:1104): Can't sent fd 2 to 4",
  "(00.035650)      1: Error (criu/x.c:1): something that followed",
]

describe("error lines", () => {
  it("are told without timestamp, and without the harmless one", () => {
    expect(errorsOf(dumpLog)).toEqual([
      "Error (criu/sockets.c:628): sockets: Can't get 1:16 opt: Operation not supported",
      "Error (criu/sockets.c:628): sockets: Can't get 1:34 opt: Operation not supported",
      "Error (criu/cr-dump.c:1681): Dump files (pid: 104238) failed with -1",
      "Error (criu/cr-dump.c:2111): Dumping FAILED.",
    ])
  })

  it.each([
    ["(00.034502)      7: Error (criu/mount-v2.c:966): mnt-v2: words", "a restored process"],
    ["(00.030157) pie: 65: Error (criu/mount-v2.c:966): mnt-v2: words", "code within a restored process"],
    ["pie: 65: Error (criu/mount-v2.c:966): mnt-v2: words", "code that logs without time"],
    ["(100.0345) Error (criu/mount-v2.c:966): mnt-v2: words", "a long run, whose timestamp is cut"],
    ["Error (criu/mount-v2.c:966): mnt-v2: words\r", "a terminal"],
  ])("are found in %j of %s", (line) => expect(lastError(line)).toBe("Error (criu/mount-v2.c:966): mnt-v2: words"))

  it("end before what follows from them, unless there is nothing else", () => {
    expect(lastError(dumpLog)).toBe("Error (criu/sockets.c:628): sockets: Can't get 1:34 opt: Operation not supported")
    expect(lastError(withoutIptables)).toContain("Locking network failed: iptables-restore returned -1")
    expect(lastError(restoreLog)).toBe(
      "Error (criu/sk-inet.c:1059): inet: Can't bind inet socket (id 26): Address already in use",
    )
    expect(firstError(dumpLog)).toContain("Can't get 1:16 opt")
    expect(lastError("(00.1) Error (criu/cr-restore.c:2637): Restoring FAILED.")).toContain("Restoring FAILED.")
    expect(lastError("(00.1) all is well")).toBe("")
    expect(lastError(restoreOfTwo(orders[0] ?? ""))).toContain("Connected TCP socket in image")
    expect(lastError(restoreOfTwo(orders[1] ?? ""))).toContain("Connected TCP socket in image")
    expect(firstError("")).toBe("")
  })
})

describe("the line to show", () => {
  it.each(orders)("is the one that is understood, whatever came after it: %s", (last) =>
    expect(explanationOf(restoreOfTwo(last)).errorLine).toBe(
      "Error (criu/sk-inet.c:912): inet: Connected TCP socket in image",
    ),
  )

  it("is the last that says something where none is", () =>
    expect(
      explanationOf("(00.1) Error (criu/x.c:1): something new\n(00.2) Error (criu/y.c:1): Restoring FAILED."),
    ).toEqual({
      errorLine: "Error (criu/x.c:1): something new",
    }))
})

describe("remedies", () => {
  it("name the earliest line that is known", () => {
    expect(remedyOf(dumpLog)).toMatchObject({
      code: "criuTooOldForSockets",
      line: "Error (criu/sockets.c:628): sockets: Can't get 1:16 opt: Operation not supported",
    })
    expect(remedyOf(withoutIptables)?.code).toBe("iptablesMissing")
    expect(remedyOf("(00.1) Error (criu/x.c:1): something new")).toBeUndefined()
    expect(remedyOf("(00.1) No space left on device, said by nobody")).toBeUndefined()
  })

  const lines: ReadonlyArray<readonly [code: DiagnosisCode, place: string, words: string]> = [
    ["nestedMountNamespace", "criu/mount.c:3672", "mnt: Nested mount namespaces are not supported yet"],
    ["namespaceMissing", "criu/net.c:2961", "net: Unable to find an external netns: extRootNetNS"],
    ["seccomp", "criu/cr-restore.c:1731", "failed to suspend seccomp: Operation not permitted"],
    ["userfaultfd", "criu/kerndat.c:1002", "Lazy pages are not available"],
    ["tcpEstablished", "criu/sk-inet.c:191", "inet: Connected TCP socket, consider using --tcp-established option."],
    ["tcpInImage", "criu/sk-inet.c:912", "inet: Connected TCP socket in image"],
    ["tcpCloseInImage", "criu/image.c:94", "Need to set the --tcp-close options."],
    [
      "fileLocks",
      "criu/file-lock.c:110",
      "Some file locks are hold by dumping tasks! You can try --file-locks to dump them.",
    ],
    ["ghostFileLimit", "criu/files-reg.c:1031", "Can't dump ghost file /tmp/x of 2097152 size, increase limit"],
    ["unlinkedFile", "criu/files-reg.c:1122", "Can't create link remap for /tmp/x. Use link-remap option."],
    ["externalMount", "criu/mount.c:660", "mnt: 554:./etc/hosts doesn't have a proper root mount"],
    ["externalUnixSocket", "criu/sk-unix.c:874", "unix: External socket is used. Consider using --ext-unix-sk option."],
    [
      "externalUnixSocketInImage",
      "criu/sk-unix.c:2116",
      "unix: External socket found in image. Consider using the --ext-unix-sk option to allow restoring it.",
    ],
    ["foreignUnixSocket", "criu/sk-unix.c:418", "unix: Unix socket 9263791 without peer 9263198"],
    ["unixSocketMissing", "criu/sk-unix.c:1406", "unix: Can't connect 9366839 socket: No such file or directory"],
    ["outerTerminal", "criu/tty.c:1453", "tty: No task found with sid 0"],
    ["outerTerminal", "criu/tty.c:1010", "tty: Don't have tty to inherit session from, aborting"],
    [
      "inFlight",
      "criu/sk-inet.c:178",
      "inet: In-flight connection (l) for 1f. Using the --skip-in-flight option may help.",
    ],
    ["externalTerminal", "criu/tty.c:410", "tty: Found slave peer index 3 without correspond master peer"],
    ["limitsHidden", "criu/cr-dump.c:389", "Can't get rlimit 0: Operation not permitted"],
    ["watchLost", "criu/fsnotify.c:285", "fsnotify: \tCan't dump that handle"],
    ["foreignSession", "criu/cr-dump.c:1681", "A session leader of 4711(12) is outside of its pid namespace"],
    ["hostFile", "criu/files-reg.c:1790", "Can't lookup mount=24 for fd=1 path=/var/log/out"],
    ["ioUring", "criu/proc_parse.c:479", "Unknown mapping 600 (anon_inode:[io_uring])"],
    ["ioUring", "criu/files-ext.c:98", "Can't dump file 5 of that type [600] (anon anon_inode:[io_uring])"],
    ["ioUring", "criu/pie/parasite.c:588", "send_fds failed (-22)"],
    ["unsupportedFile", "criu/files-ext.c:98", "Can't dump file 5 of that type [20666] (chr 226:128)"],
    ["multipathTcp", "criu/sk-inet.c:137", "inet: Unsupported proto 262 for socket 1f"],
    ["unsupportedFile", "criu/sk-inet.c:137", "inet: Unsupported proto 132 for socket 1f"],
    ["criuTooOldForSockets", "criu/sockets.c:640", "sockets: Can't get 1:16(34) opt: Operation not supported"],
    ["criuTooOldForVdso", "criu/vdso.c:352", "vdso: Unexpected rt vDSO area bounds"],
    ["criuTooOldForMounts", "criu/mount-v2.c:966", "mnt-v2: Failed to make mount 476 slave: Invalid argument"],
    ["notFrozen", "criu/seize.c:635", "Unable to freeze cgroup /sys/fs/cgroup/x (100 x 100ms attempts, timeout: 10s)"],
    ["iptablesMissing", "criu/util.c:642", 'execvp("iptables-restore", ...) failed: No such file or directory'],
    ["ipMissing", "criu/util.c:642", 'execvp("ip", ...) failed: No such file or directory'],
    ["networkLock", "criu/net.c:3332", "net: Locking network failed: iptables-restore returned -1. This may be"],
    ["pidTaken", "criu/cr-restore.c:1230", "Can't fork for 12: File exists"],
    ["addressInUse", "criu/sk-inet.c:1059", "inet: Can't bind inet socket (id 12): Address already in use"],
    ["addressMissing", "soccr/soccr.c:499", "Can't bind inet socket back: Cannot assign requested address"],
    ["fileChanged", "criu/files-reg.c:2175", "File lib/libc.so has bad size 1 (expect 2)"],
    ["fileMissing", "criu/files-reg.c:2267", "Can't open file data/x: No such file or directory"],
    ["cgroup", "criu/cgroup.c:1249", "cg: Can't move into cpu//x/tasks (-1/-1): No such file or directory"],
    ["securityProfile", "criu/pie/restorer.c:196", "can't write lsm profile -2"],
    ["cpuMismatch", "criu/arch/x86/cpu.c:223", "cpu: CPU instruction capabilities do not match run time"],
    ["parentMissing", "criu/page-xfer.c:410", "No parent image found, though parent directory is set: No such file"],
    ["imageDamaged", "criu/image.c:554", "Head magic doesn't match for core-1.img"],
    ["spaceMissing", "criu/bfd.c:131", "bfd: Error flushing image: No space left on device"],
  ]

  it("have a line each, and there are enough of them", () => {
    const told = new Set(lines.map(([code]) => code))
    expect(diagnoses.map(({ code }) => code).filter((code) => !told.has(code))).toEqual([])
    expect(told.size).toBeGreaterThan(40)
  })

  it.each(lines)("%s is told by %s: %s", (code, place, words) => {
    const remedy = remedyOf(
      `(00.000001) Error (${place}): ${words}\n(00.000002) Error (criu/cr-dump.c:1): Dumping FAILED.`,
    )
    expect(remedy?.code).toBe(code)
  })
})
