/**
 * What the database knows of a container: a configuration, of which only the networks change, and a state that does.
 *
 * Instants are RFC 3339 in UTC; an absent one has not come to pass.
 */
import type {
  CriuRestoreOptions,
  ContainerMount,
  ContainerStatus,
  ExposedPort,
  HealthCheck,
  NameResolution,
  NetworkAttachment,
  NetworkStatus,
  PortMapping,
  RestartPolicy,
  Rlimit,
  RuntimeName,
} from "@cryopod/entities"
import type { Namespaces } from "./Namespaces.ts"

export interface ContainerConfig {
  readonly id: string
  readonly createdAt: string
  /** Id of the image whose root filesystem lies below the container's own. */
  readonly imageId: string
  /** Its name, as far as it has one, fully spelled. */
  readonly imageName: string
  /** The name as the caller wrote it. */
  readonly rawImageName: string
  readonly runtime: RuntimeName
  /** The program and its arguments: entrypoint and command together. */
  readonly entrypoint: ReadonlyArray<string>
  readonly command: ReadonlyArray<string>
  readonly env: ReadonlyArray<string>
  readonly workdir: string
  /** The caller named it: it is there when the container starts, or the container does not. An image's is made. */
  readonly workdirRequired?: boolean
  readonly user: string
  readonly hostname: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly terminal: boolean
  readonly openStdin: boolean
  /** Of the namespace that it is in; with `bridge`, its own or that of a container whose namespace it joins. */
  readonly network: "none" | "host" | "bridge"
  /** Its networks, when it is on bridges with a namespace of its own. */
  readonly attachments?: ReadonlyArray<NetworkAttachment>
  /** Ports of the host that lead to it. */
  readonly ports?: ReadonlyArray<PortMapping>
  /** Ports that it offers, published or not. */
  readonly exposed?: ReadonlyArray<ExposedPort>
  readonly names?: NameResolution
  /** Namespaces that are not the container's own; that of a network of the host is told by `network`. */
  readonly namespaces?: Namespaces
  /** Other containers may join its IPC namespace; true when absent. */
  readonly ipcShareable?: boolean
  /** Id of the pod that the container belongs to. */
  readonly pod?: string
  /** It holds the namespaces of its pod and does nothing else. */
  readonly infra?: boolean
  readonly autoRemove: boolean
  readonly readOnly: boolean
  /** A read-only container has memory for temporary files. */
  readonly readOnlyTmpfs: boolean
  /** Mounts that not every container has; volumes among them are in use by this container. */
  readonly mounts: ReadonlyArray<ContainerMount>
  readonly privileged: boolean
  readonly capAdd: ReadonlyArray<string>
  readonly capDrop: ReadonlyArray<string>
  readonly shmSizeBytes: number
  readonly rlimits: ReadonlyArray<Rlimit>
  /** Number of the signal that asks the main process to end. */
  readonly stopSignal: number
  readonly stopTimeoutSeconds: number
  /** What becomes of it when it ends by itself; nothing when absent. */
  readonly restartPolicy?: RestartPolicy
  /** How it is asked whether it is well. */
  readonly health?: HealthCheck
  readonly createCommand: ReadonlyArray<string>
}

/**
 * A long operation that has begun. It is written before the first irreversible step and taken away with the last;
 * found by a later command that holds the container's lock, it means that the process died in between.
 */
export type Operation = "create" | "start" | "checkpoint" | "restore" | "import" | "remove"

export interface ContainerState {
  readonly status: ContainerStatus
  readonly operation?: Operation
  /** A removal that has begun takes the container's anonymous volumes along. */
  readonly removeVolumes?: boolean
  /** Main process, as this host numbers it; 0 when there is none. */
  readonly pid: number
  /** When that process began (`processStart`), so that another one with its number is not taken for it. */
  readonly pidStart?: string
  readonly conmonPid: number
  readonly exitCode: number
  /** Why it could not be started when that was tried last. */
  readonly startError?: string
  readonly startedAt?: string
  readonly finishedAt?: string
  readonly checkpointedAt?: string
  readonly restoredAt?: string
  /** The container stopped because it was checkpointed, and has not been started otherwise since. */
  readonly checkpointed: boolean
  readonly restored: boolean
  /** What the restore of the checkpoint in the bundle needs, as its dump was told or its import. */
  readonly checkpointNeeds?: CriuRestoreOptions
  readonly checkpointPath?: string
  readonly checkpointLog?: string
  readonly restoreLog?: string
  /** Its user asked it to end; its restart policy has no say then. */
  readonly stoppedByUser?: boolean
  /** How often its policy has started it again in a row. */
  readonly restartCount?: number
  /** What the container got on its networks, while it is on them. */
  readonly networkStatus?: NetworkStatus
  /** Whether the pre-checkpoint in the bundle has left it in an archive; absent without one. */
  readonly preCheckpoint?: "kept" | "exported"
  /** Boot of the host in which the container was last started (`/proc/sys/kernel/random/boot_id`). */
  readonly bootId?: string
}

export interface ContainerRecord {
  readonly id: string
  readonly name: string
  readonly config: ContainerConfig
  readonly state: ContainerState
}

export const initialState: ContainerState = {
  status: "created",
  pid: 0,
  conmonPid: 0,
  exitCode: 0,
  checkpointed: false,
  restored: false,
}

export const isActive = (state: ContainerState): boolean => state.status === "running" || state.status === "paused"
