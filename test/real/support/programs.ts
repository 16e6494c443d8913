/**
 * Real programs in containers, each with something that a dump has to hold: connections, threads, locks, queues, shared
 * memory, deleted files.
 */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { eventually, type Host, project } from "./Host.ts"

/** The root filesystem with the programs, as an image. */
export const importPrograms = async (host: Host, name = "programs"): Promise<void> => {
  const root = execFileSync(join(project, "scripts/workloads"), {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  })
  const archive = join(host.directory, "programs.tar")
  const without = ["doc", "locale", "man", "zoneinfo"].map((directory) => `--exclude=./usr/share/${directory}`)
  execFileSync("tar", [
    "-C",
    root.trim(),
    ...without,
    "--exclude=./var/cache",
    "--exclude=./var/lib/apt",
    "-cf",
    archive,
    ".",
  ])
  await host.ok("import", "--change", 'CMD ["sh"]', archive, name)
  fs.rmSync(archive)
}

export interface Program {
  readonly name: string
  readonly command: ReadonlyArray<string>
  /** What its output says when it has all it wants. */
  readonly ready: string
}

const python = (source: string) => ["python3", "-u", "-c", source]

export const programs: ReadonlyArray<Program> = [
  {
    name: "shell",
    command: [
      "sh",
      "-c",
      'export GREETING="hello world"; trap "" USR1; (while :; do sleep 1; done) & exec 5>/tmp/open; echo text >&5; echo ready; while :; do sleep 0.2; done',
    ],
    ready: "ready",
  },
  { name: "redis", command: ["redis-server", "--save", "", "--port", "6379"], ready: "Ready to accept connections" },
  {
    name: "nginx",
    command: [
      "sh",
      "-c",
      // with the rights that this machine may have, CRIU reads the limits of its own user's processes only
      "sed -i s/www-data/root/ /etc/nginx/nginx.conf; mkdir -p /var/log/nginx /run; nginx -g 'daemon off;' & until nc -z 127.0.0.1 80; do sleep 0.1; done; sleep 1000 | nc -v 127.0.0.1 80 2>&1 & wait",
    ],
    ready: "succeeded",
  },
  {
    name: "node",
    command: [
      "node",
      "-e",
      'globalThis.kept = Buffer.alloc(1 << 20, "node memory "); require("net").createServer().listen(9000, "127.0.0.1", () => console.log("ready")); setInterval(() => kept[0]++, 50)',
    ],
    ready: "ready",
  },
  {
    name: "python",
    command: python(
      'import os, time\nkept = {i: f"number {i} of python" for i in range(20000)}\nos.environ["SECRET"] = "s3cr3t"\nprint("ready")\nwhile True: time.sleep(0.1)',
    ),
    ready: "ready",
  },
  {
    name: "threads",
    command: python(
      'import threading, time\nfor i in range(8): threading.Thread(target=lambda: time.sleep(1e6), daemon=True).start()\nprint("ready")\nwhile True: time.sleep(1)',
    ),
    ready: "ready",
  },
  {
    name: "locks",
    command: python(
      'import fcntl, time\na = open("/tmp/whole", "w"); fcntl.flock(a, fcntl.LOCK_EX)\nb = open("/tmp/part", "w"); fcntl.lockf(b, fcntl.LOCK_EX, 10, 5)\nprint("ready")\nwhile True: time.sleep(1)',
    ),
    ready: "ready",
  },
  {
    name: "shm",
    command: [
      "perl",
      "-e",
      // memfd_create, and mmap of shared memory without a file
      `$| = 1; my $s = shmget(1234, 65536, 01600); shmwrite($s, "shared words", 0, 12);
       semget(77, 3, 01600); my $q = msgget(88, 01600); msgsnd($q, pack("l! a*", 1, "queued words"), 0);
       my $name = "scratch"; open(my $f, "+<&=", syscall(319, $name, 0)); syswrite($f, "memfd words");
       syscall(9, 0, 1048576, 3, 0x21, -1, 0);
       fork; print "ready\\n"; while (1) { sleep 1 }`,
    ],
    ready: "ready",
  },
  {
    name: "descriptors",
    command: [
      "perl",
      "-e",
      // eventfd2, timerfd_create, timerfd_settime, inotify_init, inotify_add_watch, signalfd
      `$| = 1; syscall(290, 7, 0); my $t = syscall(283, 1, 0); my $at = pack("q4", 1, 0, 1000, 0); syscall(286, $t, 0, $at, 0);
       my $i = syscall(253); my $path = "/dev"; syscall(254, $i, $path, 0x100); my $mask = pack("Q", 0x200); syscall(282, -1, $mask, 8);
       print "ready\\n"; while (1) { sleep 1 }`,
    ],
    ready: "ready",
  },
  {
    name: "files",
    command: python(`
import os, select, signal, socket, time
g = open("/tmp/ghost", "w+"); g.write("ghost words " * 500); g.flush(); os.unlink("/tmp/ghost")
r, w = os.pipe(); os.write(w, b"in the pipe")
os.mkfifo("/tmp/fifo"); f = os.open("/tmp/fifo", os.O_RDWR | os.O_NONBLOCK); os.write(f, b"in the fifo")
a, b = socket.socketpair(); a.send(b"in the socket")
u = socket.socket(socket.AF_UNIX); u.bind("/tmp/sock"); u.listen(3)
n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); n.bind(b"\\0abstract")
t = socket.socket(); t.bind(("127.0.0.1", 8080)); t.listen(5)
t6 = socket.socket(socket.AF_INET6); t6.bind(("::1", 8081)); t6.listen(5)
c = socket.create_connection(("127.0.0.1", 8080)); s, _ = t.accept(); s.send(b"in the connection")
d = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); d.bind(("127.0.0.1", 5353))
k = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
e = select.epoll(); e.register(t, select.EPOLLIN)
if os.fork() == 0: os._exit(3)
signal.setitimer(signal.ITIMER_REAL, 100000)
print("ready")
while True: time.sleep(1)`),
    ready: "ready",
  },
]

/** Run a program in a container of its name until it has all it wants. */
export const runProgram = async (
  host: Host,
  { command, name, ready }: Program,
  { image = "programs", options = [] }: { readonly image?: string; readonly options?: ReadonlyArray<string> } = {},
): Promise<void> => {
  await host.ok("run", "-d", "--name", name, ...options, image, ...command)
  await eventually(async () => {
    const { stderr, stdout } = await host.run("logs", name)
    return `${stdout}${stderr}`.includes(ready) ? true : undefined
  }, `${name} to be ready`)
}

/** CRIU's images of a stopped container's checkpoint. */
export const imagesOf = async (host: Host, name: string): Promise<string> =>
  host.path("containers", await host.inspect(name, "{{.Id}}"), "userdata/checkpoint")
