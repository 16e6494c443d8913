/**
 * What can be seen inside a checkpoint, wherever it lies.
 *
 * Addresses are hexadecimal texts, as `/proc/PID/maps` writes them; sizes are bytes; names of files are as the container
 * sees them.
 */
import * as Schema from "effect/Schema"

const text = Schema.String
const texts = Schema.Array(text)
const int = Schema.Int

/** One open file of a process, or a place that it has: `cwd`, `root`, `exe`. */
export const OpenFile = Schema.Struct({
  fd: text,
  /** CRIU's word for the kind: `REG`, `PIPE`, `INETSK`; empty for places. */
  type: text,
  /** A path, or what stands for one: `pipe[123]`, `socket[45]`. */
  path: text,
})
export type OpenFile = typeof OpenFile.Type

/** A socket of a process. */
export const OpenSocket = Schema.Struct({
  pid: int,
  fd: text,
  /** `TCP`, `UDP`, `UNIX`, `NETLINK`, `PACKET` and so on. */
  protocol: text,
  /** `STREAM`, `DGRAM` and so on. */
  type: text,
  /** `LISTEN`, `ESTABLISHED` and so on; empty where there are none. */
  state: text,
  /** Address, or path (with `@` before an abstract one); empty without one. */
  local: text,
  localPort: int,
  remote: text,
  remotePort: int,
})
export type OpenSocket = typeof OpenSocket.Type

/** One mapping of a process. */
export const MemoryMapping = Schema.Struct({
  start: text,
  end: text,
  /** `r-xp`, as the kernel writes it; `s` for shared. */
  permissions: text,
  /** `heap`, `stack`, `anonymous`, `file`, `shared`, `vdso` and so on. */
  kind: text,
  /** Of a file; empty for others. */
  path: text,
  sizeBytes: int,
  /** As much of it as the dump has pages for. */
  pagesBytes: int,
})
export type MemoryMapping = typeof MemoryMapping.Type

export const CheckpointedProcess = Schema.Struct({
  /** As the container numbers it. */
  pid: int,
  /** 0 for the first. */
  parent: int,
  group: int,
  session: int,
  /** `alive`, `stopped`, `zombie` and so on. */
  state: text,
  /** The short name, of at most 15 characters. */
  name: text,
  /** The command line; empty when the dump has no memory of it. */
  arguments: texts,
  /** Only when asked for: it may hold secrets. */
  environment: Schema.optionalKey(texts),
  threads: Schema.Array(Schema.Struct({ id: int, name: text })),
  users: Schema.Array(int),
  groups: Schema.Array(int),
  capabilities: Schema.Struct({
    inheritable: texts,
    permitted: texts,
    effective: texts,
    bounding: texts,
    ambient: texts,
  }),
  noNewPrivileges: Schema.Boolean,
  seccomp: Schema.Boolean,
  securityProfile: text,
  /** Addresses that are mapped. */
  mappedBytes: int,
  /** Memory of its own in the dump. */
  memoryBytes: int,
  /** Memory in the dump that it shares with others. */
  sharedBytes: int,
  mappings: Schema.Array(MemoryMapping),
  files: Schema.Array(OpenFile),
})
export type CheckpointedProcess = typeof CheckpointedProcess.Type

export const CheckpointInspect = Schema.Struct({
  /** As the caller wrote it. */
  source: text,
  kind: Schema.Literals(["container", "archive", "image"]),
  /** Whether this engine made it on this host; what stays with a container always was. */
  origin: Schema.Literals(["here", "elsewhere"]),
  container: Schema.Struct({
    id: text,
    name: text,
    image: text,
    imageId: text,
    runtime: text,
    /** Which engine made it: `Podman` also for those that write what Podman writes. */
    engine: text,
    /** RFC 3339. */
    created: text,
    ip: text,
    mac: text,
    pod: text,
    hostname: text,
  }),
  annotations: Schema.Record(text, text),
  labels: Schema.Record(text, text),
  sizes: Schema.Struct({
    /** CRIU's images, the pages among them. */
    checkpoint: int,
    pages: int,
    rootfsDiff: int,
    sharedMemory: int,
    volumes: int,
    total: int,
  }),
  /** CRIU's, of the dump; microseconds and pages. Absent when the checkpoint has none. */
  statistics: Schema.optionalKey(Schema.Record(text, int)),
  criu: Schema.Struct({ imagesVersion: int, architecture: text, securityModule: text }),
  /** Parents before children. */
  processes: Schema.Array(CheckpointedProcess),
  sockets: Schema.Array(OpenSocket),
  mounts: Schema.Array(Schema.Struct({ destination: text, type: text, source: text, options: texts })),
  volumes: Schema.Array(Schema.Struct({ name: text, destination: text, sizeBytes: int })),
  /** Paths of the root filesystem. */
  rootfs: Schema.Struct({ changed: texts, deleted: texts }),
})
export type CheckpointInspect = typeof CheckpointInspect.Type

/** One row of a list of checkpoints. */
export const CheckpointSummary = Schema.Struct({
  kind: Schema.Literals(["container", "archive", "image"]),
  /** By which it is restored: name of a container or image, path of an archive. */
  source: text,
  container: text,
  containerId: text,
  image: text,
  runtime: text,
  engine: text,
  /** When the checkpoint was made, RFC 3339; empty when nothing says so. */
  made: text,
  sizeBytes: int,
})
export type CheckpointSummary = typeof CheckpointSummary.Type

const Change = Schema.Literals(["added", "removed", "changed", "same"])

/** What differs from one checkpoint to another. Processes are the same when their numbers and names are. */
export const CheckpointDiff = Schema.Struct({
  processes: Schema.Array(
    Schema.Struct({
      change: Change,
      pid: int,
      name: text,
      arguments: texts,
      /** Memory of the process before and after, and how much of it is not the same. */
      memory: Schema.Struct({ before: int, after: int, different: int }),
      files: Schema.Array(Schema.Struct({ change: Change, fd: text, before: text, after: text })),
      environment: Schema.Array(Schema.Struct({ change: Change, before: text, after: text })),
    }),
  ),
  sockets: Schema.Array(Schema.Struct({ change: Change, pid: int, before: text, after: text })),
  rootfs: Schema.Array(Schema.Struct({ change: Change, path: text })),
  sizes: Schema.Struct({ before: int, after: int }),
})
export type CheckpointDiff = typeof CheckpointDiff.Type

/** One place in memory where a pattern was found. */
export const MemoryFinding = Schema.Struct({
  pid: int,
  address: text,
  /** The bytes, in hexadecimal digits. */
  match: text,
  /** The bytes with what stands around them, and where they begin. */
  context: text,
  contextAddress: text,
})
export type MemoryFinding = typeof MemoryFinding.Type
