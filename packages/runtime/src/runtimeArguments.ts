/**
 * What runc and crun are told, as tables: the only place that knows how the two spell things.
 *
 * Sources: runc 1.1–1.3 `man/runc-checkpoint.8.md`, `man/runc-restore.8.md`; crun 1.28 `crun.1`.
 */
import type { CriuDumpOptions, TcpConnections, RuntimeName } from "@cryopod/entities"

export interface CheckpointArguments {
  /** CRIU's image files go here. */
  readonly imagesDirectory: string
  /** CRIU's log and statistics go here. */
  readonly workDirectory: string
  readonly leaveRunning: boolean
  readonly tcpEstablished: boolean
  readonly fileLocks: boolean
  readonly cgroups: CgroupTreatment
  /** The memory alone, and the processes run on. */
  readonly preDump: boolean
  /** Images of an earlier dump of the same processes, relative to `imagesDirectory`: what has not changed since is left out. */
  readonly parentPath?: string
}

/**
 * What CRIU does about cgroups. Where a container shares a hierarchy with others, CRIU would dump all of it and make a copy
 * below each restored container: there it ignores them. Where everything is the container's own, its cgroups are part of
 * the checkpoint, which other engines expect when they restore it under another name.
 */
export type CgroupTreatment = "manage" | "ignore"

export const checkpointArguments = (
  runtime: RuntimeName,
  id: string,
  options: CheckpointArguments,
): ReadonlyArray<string> => [
  "checkpoint",
  "--image-path",
  options.imagesDirectory,
  "--work-path",
  options.workDirectory,
  ...(options.preDump ? ["--pre-dump"] : []),
  ...(options.parentPath === undefined ? [] : ["--parent-path", options.parentPath]),
  ...(options.leaveRunning ? ["--leave-running"] : []),
  ...(options.tcpEstablished ? ["--tcp-established"] : []),
  ...(options.fileLocks ? ["--file-locks"] : []),
  // runc 1.1 does not know the word and is told by `criuConfiguration`, which crun overrules
  ...(runtime === "crun" && options.cgroups === "ignore" ? ["--manage-cgroups-mode", "ignore"] : []),
  id,
]

export interface RestoreArguments {
  readonly tcp: TcpConnections
  readonly fileLocks: boolean
}

/** Words that conmon hands on to the runtime's `restore`. runc has no word for closing connections. */
export const restoreArguments = (runtime: RuntimeName, options: RestoreArguments): ReadonlyArray<string> => [
  ...(options.tcp === "keep" ? ["--tcp-established"] : []),
  ...(options.tcp === "close" && runtime === "crun" ? ["--tcp-close"] : []),
  ...(options.fileLocks ? ["--file-locks"] : []),
]

/**
 * CRIU's configuration file for one container, which the runtimes read through the annotation `org.criu.config` and
 * CRIU evaluates last (runc `docs/checkpoint-restore.md`; crun with CRIU 4.2 and later).
 *
 * A restore ignores cgroups with runc, which puts what it restores into the container's own itself; crun has CRIU move it. The
 * value needs its `=`: written apart, CRIU takes the option for one without a value, which means the opposite.
 */
export const criuConfiguration = (
  runtime: RuntimeName,
  options: {
    readonly tcp: TcpConnections
    readonly cgroups: CgroupTreatment
    /** What is mounted in place of mounts that the dump knows by these keys (CRIU `--external mnt[KEY]:PATH`). */
    readonly external?: ReadonlyArray<{ readonly key: string; readonly path: string }>
    readonly criu?: Partial<CriuDumpOptions>
  },
): string =>
  [
    ...(runtime === "runc" && options.cgroups === "ignore" ? ["manage-cgroups=ignore"] : []),
    ...(options.tcp === "close" && runtime === "runc" ? ["tcp-close"] : []),
    ...criuLines(options.criu ?? {}),
    ...(options.external ?? []).map(({ key, path }) => `external mnt[${key}]:${path}`),
    "",
  ].join("\n")

/** Options that have the same words for both runtimes here, since neither has a word for all of them. */
const criuLines = ({
  extUnixSk = false,
  ghostLimitBytes,
  linkRemap = false,
  networkLock,
  shellJob = false,
  skipInFlight = false,
}: Partial<CriuDumpOptions>): ReadonlyArray<string> => [
  ...(extUnixSk ? ["ext-unix-sk"] : []),
  ...(ghostLimitBytes === undefined ? [] : [`ghost-limit=${ghostLimitBytes}`]),
  ...(linkRemap ? ["link-remap"] : []),
  ...(networkLock === undefined ? [] : [`network-lock=${networkLock}`]),
  ...(shellJob ? ["shell-job"] : []),
  ...(skipInFlight ? ["skip-in-flight"] : []),
]

/** Annotation with the path of that file. Never taken from anybody else: CRIU can be told to run programs in it. */
export const criuConfigAnnotation = "org.criu.config"

export interface ExecArguments {
  /** File with the process (runtime-spec `process`). */
  readonly process: string
  /** File for its pid. */
  readonly pidFile: string
  /** The runtime leaves the program as soon as it runs. */
  readonly detach: boolean
}

export const execArguments = (id: string, options: ExecArguments): ReadonlyArray<string> => [
  "exec",
  "--process",
  options.process,
  "--pid-file",
  options.pidFile,
  ...(options.detach ? ["--detach"] : []),
  id,
]
