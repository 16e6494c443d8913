/**
 * What CRIU would give the processes of a checkpoint, read from its image files.
 *
 * Every file counts that CRIU could read, whichever it would choose. Nothing is judged here.
 */
import { decodedEntries, type EntryOf, type ImageKind, isImageProblem, readOnly } from "@cryopod/criu"
import { capabilityNames } from "@cryopod/entities"
import { type ImageFile, imageFiles } from "../inspection/imageFiles.ts"

type Core = EntryOf<"core">
type Credentials = EntryOf<"creds">
export type MountEntry = EntryOf<"mnts">

/** The five sets of a thread (capabilities(7)), by name. */
export interface CapabilitySets {
  readonly inheritable: ReadonlyArray<string>
  readonly permitted: ReadonlyArray<string>
  readonly effective: ReadonlyArray<string>
  readonly bounding: ReadonlyArray<string>
  readonly ambient: ReadonlyArray<string>
}

export interface ThreadClaims {
  /** As the container numbers it. */
  readonly thread: number
  readonly name: string
  /** Every user id it has; none when the images do not say, as for what has ended. */
  readonly users: ReadonlyArray<number>
  readonly groups: ReadonlyArray<number>
  readonly capabilities: CapabilitySets
  readonly noNewPrivileges: boolean
  /** Whether a seccomp filter (or the strict mode) binds it. */
  readonly seccomp: boolean
  /** Of AppArmor or SELinux; empty when there is none. */
  readonly securityProfile: string
}

/** Types of namespaces in the OCI runtime-spec, and what CRIU calls their numbers. */
export const namespaceFields = {
  pid: "pid_ns_id",
  network: "net_ns_id",
  ipc: "ipc_ns_id",
  uts: "uts_ns_id",
  mount: "mnt_ns_id",
  user: "user_ns_id",
} as const
export type NamespaceType = keyof typeof namespaceFields
export const namespaceTypes = Object.keys(namespaceFields) as ReadonlyArray<NamespaceType>

export interface ImageClaims {
  readonly threads: ReadonlyArray<ThreadClaims>
  /** Processes and the namespaces in which they would be together with CRIU itself, which runs on the host. */
  readonly hostNamespaces: ReadonlyArray<{ readonly process: number; readonly type: NamespaceType }>
  /** Processes and the namespaces that they would have for themselves, besides the container's. */
  readonly furtherNamespaces: ReadonlyArray<{ readonly process: number; readonly type: NamespaceType }>
  readonly mounts: ReadonlyArray<MountEntry>
  /** Devices that are open, by path. */
  readonly openDevices: ReadonlyArray<string>
  /** Sockets that see packets as they are: what CAP_NET_RAW is for. */
  readonly rawSockets: number
  /** Paths of open files that lead upwards. */
  readonly climbingPaths: ReadonlyArray<string>
  /** File names of archives with what was in file systems in memory. */
  readonly memoryArchives: ReadonlyArray<string>
}

/** What an image file holds cannot be read. */
export class ImageUnreadable extends Error {
  readonly file: string
  constructor(file: string, problem: string) {
    super(problem)
    this.file = file
  }
}

/** Throws `ImageUnreadable`, and what reading a file throws. */
export const readImageClaims = (directory: string): ImageClaims => {
  const reading = new Reading()
  for (const file of imageFiles(directory)) {
    try {
      reading.take(file)
    } catch (cause) {
      throw isImageProblem(cause) ? new ImageUnreadable(file.name, cause.message) : cause
    }
  }
  return reading.claims()
}

/** `core-12.img` → 12. */
const numberIn = (name: string): number => Number(/-(\d+)\.img$/.exec(name)?.[1] ?? 0)

class Reading {
  private readonly threads: Array<ThreadClaims> = []
  private readonly ids = new Map<number, Array<EntryOf<"ids">>>()
  private rootIds: EntryOf<"ids"> | undefined
  private firstProcess: number | undefined
  private readonly mounts: Array<MountEntry> = []
  private readonly openDevices = new Set<string>()
  private rawSockets = 0
  private readonly climbingPaths = new Set<string>()
  private readonly memoryArchives: Array<string> = []

  take({ kind, name, source }: ImageFile): void {
    const readers: Partial<Record<ImageKind, () => void>> = {
      inventory: () => {
        this.rootIds = readOnly(source, "inventory").root_ids
      },
      pstree: () => {
        for (const { pid } of decodedEntries(source, "pstree")) this.firstProcess ??= pid
      },
      ids: () => this.addIds(numberIn(name), readOnly(source, "ids")),
      core: () => this.addCore(numberIn(name), readOnly(source, "core")),
      creds: () => this.threads.push(threadClaims(numberIn(name), "", readOnly(source, "creds"), true)),
      mnts: () => this.mounts.push(...decodedEntries(source, "mnts")),
      files: () => {
        for (const file of decodedEntries(source, "files")) this.addFile(file)
      },
      reg_files: () => {
        for (const file of decodedEntries(source, "reg_files")) this.addRegularFile(file)
      },
      inetsk: () => {
        for (const socket of decodedEntries(source, "inetsk")) this.addSocket(socket.type)
      },
      packetsk: () => {
        for (const _ of decodedEntries(source, "packetsk")) this.rawSockets++
      },
      tunfile: () => void this.openDevices.add("/dev/net/tun"),
    }
    if (kind !== undefined) readers[kind]?.()
    // `tmpfs-dev-NUMBER` since CRIU 3.12, `tmpfs-NUMBER` before (`criu/image-desc.c`)
    else if (/^tmpfs-(?:dev-)?\d+\.tar\.gz\.img$/.test(name)) this.memoryArchives.push(name)
  }

  claims(): ImageClaims {
    const first = this.firstProcess === undefined ? undefined : this.ids.get(this.firstProcess)?.[0]
    const pairs = [...this.ids].flatMap(([process, all]) =>
      all.flatMap((ids) => namespaceTypes.map((type) => ({ process, type, field: namespaceFields[type], ids }))),
    )
    const said = ({ process, type }: (typeof pairs)[number]) => ({ process, type })
    const isHosts = ({ field, ids }: (typeof pairs)[number]) =>
      ids[field] === undefined || ids[field] === this.rootIds?.[field]
    return {
      threads: this.threads,
      hostNamespaces: pairs.filter(isHosts).map(said),
      furtherNamespaces: pairs
        .filter((pair) => !isHosts(pair) && first !== undefined && pair.ids[pair.field] !== first[pair.field])
        .map(said),
      mounts: this.mounts,
      openDevices: [...this.openDevices],
      rawSockets: this.rawSockets,
      climbingPaths: [...this.climbingPaths],
      memoryArchives: this.memoryArchives,
    }
  }

  private addIds(process: number, ids: EntryOf<"ids">): void {
    this.ids.set(process, [...(this.ids.get(process) ?? []), ids])
  }

  private addCore(thread: number, core: Core): void {
    const { ids, tc: task } = core
    // before CRIU 1.3 the numbers stood here
    if (ids !== undefined) this.addIds(thread, ids)
    // dead and zombie tasks have no thread of their own any more (`criu/include/pid.h`, TASK_DEAD and TASK_ZOMBIE)
    if (core.thread_core === undefined || task?.task_state === 2 || task?.task_state === 6) return
    this.threads.push(threadClaimsOf(thread, core))
  }

  private addFile({ ext, isk, psk, reg, tunf }: EntryOf<"files">): void {
    if (reg !== undefined) this.addRegularFile(reg)
    if (isk !== undefined) this.addSocket(isk.type)
    if (psk !== undefined) this.rawSockets++
    if (tunf !== undefined) this.openDevices.add("/dev/net/tun")
    if (ext !== undefined) this.openDevices.add(`file ${ext.id} of a CRIU plugin`)
  }

  private addRegularFile({ mode = 0, name }: EntryOf<"reg_files">): void {
    const path = name.startsWith("/") ? name : `/${name}`
    if (path.split("/").includes("..")) this.climbingPaths.add(path)
    const type = mode & 0o170000
    if ((type === 0o020000 || type === 0o060000) && !isStandardDevice(path)) this.openDevices.add(path)
  }

  private addSocket(type: number): void {
    if (type === rawSocket) this.rawSockets++
  }
}

/** Linux `include/linux/net.h`, SOCK_RAW. */
const rawSocket = 3

const standardDevices = new Set(
  ["null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "pts/ptmx"].map((name) => `/dev/${name}`),
)

/** Devices that every container has (runtime-spec `config-linux.md`, "Default Devices"). */
export const isStandardDevice = (path: string): boolean => standardDevices.has(path) || /^\/dev\/pts\/\d+$/.test(path)

/** Their numbers, MAJOR:MINOR (Linux `Documentation/admin-guide/devices.txt`); terminals are 136 and any. */
export const standardNumbers = new Set(["1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:1", "5:2"])

/** Nothing of a thread that is not there. */
export const threadClaimsOf = (thread: number, core: Core | undefined): ThreadClaims => {
  const { tc: task, thread_core: own } = core ?? {}
  const seccomp = (own?.seccomp_mode ?? task?.old_seccomp_mode ?? 0) !== 0
  return threadClaims(thread, own?.comm ?? task?.comm ?? "", own?.creds, seccomp)
}

const threadClaims = (
  thread: number,
  name: string,
  creds: Credentials | undefined,
  seccomp: boolean,
): ThreadClaims => ({
  thread,
  name,
  users: creds === undefined ? [] : [...new Set([creds.uid, creds.euid, creds.suid, creds.fsuid])],
  groups: creds === undefined ? [] : [...new Set([creds.gid, creds.egid, creds.sgid, creds.fsgid, ...creds.groups])],
  capabilities: {
    inheritable: capabilities(creds?.cap_inh),
    permitted: capabilities(creds?.cap_prm),
    effective: capabilities(creds?.cap_eff),
    bounding: capabilities(creds?.cap_bnd),
    ambient: capabilities(creds?.cap_amb),
  },
  noNewPrivileges: (creds?.no_new_privs ?? 0) !== 0,
  seccomp,
  securityProfile: creds?.lsm_profile ?? "",
})

/** Words of 32 bits, the lowest first. */
const capabilities = (words: ReadonlyArray<number> = []): ReadonlyArray<string> =>
  words.flatMap((word, at) =>
    Array.from({ length: 32 }, (_, bit) => bit)
      .filter((bit) => ((word >>> bit) & 1) === 1)
      .map((bit) => capabilityNames[at * 32 + bit] ?? `capability ${at * 32 + bit}`),
  )
