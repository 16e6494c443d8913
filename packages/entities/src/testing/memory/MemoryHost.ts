/** The host that an engine in memory works on: its containers, its images, and how they are found. */
import { createHash, randomBytes } from "node:crypto"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Semaphore from "effect/Semaphore"
import type * as Queue from "effect/Queue"
import type * as Cause from "effect/Cause"
import { ContainerAmbiguous, ContainerNotFound, NoContainers } from "../../failures/ContainerFailures.ts"
import type { ContainerStatus, LogLine } from "../../reports/ContainerReports.ts"
import type { ContainerMount } from "../../values/ContainerMount.ts"
import type { HealthCheck, HealthResults } from "../../values/HealthCheck.ts"
import type { RestartPolicy } from "../../values/RestartPolicy.ts"
import type { Rlimit } from "../../values/Ulimit.ts"
import type { Files, ReadonlyFiles } from "./Files.ts"
import type { MountedTrees } from "./MemoryMounts.ts"
import type { MemoryRegistry } from "./MemoryRegistry.ts"
import type { MemoryVolume } from "./MemoryVolumes.ts"
import type { Process } from "./Process.ts"
import type { Snapshot } from "./Snapshot.ts"
import type { MemoryNamespaces } from "./MemoryNamespaces.ts"
import type { MemoryConnection } from "./MemoryNetworks.ts"
import type { NetworkStatus } from "../../reports/NetworkReports.ts"

/** What an image says about containers made from it (OCI image-spec, `config`). */
export interface ImageConfig {
  readonly Cmd?: ReadonlyArray<string>
  readonly Entrypoint?: ReadonlyArray<string>
  readonly Env?: ReadonlyArray<string>
  readonly Labels?: Readonly<Record<string, string>>
  readonly StopSignal?: string
  readonly User?: string
  readonly Volumes?: Readonly<Record<string, unknown>>
  readonly WorkingDir?: string
  readonly [field: string]: unknown
}

/** An image as its three documents; everything else is read from them. */
export interface ImageBytes {
  readonly manifest: Uint8Array
  readonly config: Uint8Array
  /** The one layer, a tar archive as it was given. */
  readonly layer: Uint8Array
}

export interface MemoryImage extends ImageBytes {
  readonly id: string
  readonly manifestDigest: string
  readonly names: ReadonlyArray<string>
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly created: string
  readonly architecture: string
  readonly comment: string
  readonly execution: ImageConfig
  readonly diffId: string
  readonly files: ReadonlyFiles
}

/** What never changes of a container. */
export interface MemoryConfig {
  readonly createdAt: string
  readonly imageId: string
  readonly imageName: string
  readonly rawImageName: string
  readonly runtime: "crun" | "runc"
  readonly entrypoint: ReadonlyArray<string>
  readonly command: ReadonlyArray<string>
  readonly env: ReadonlyArray<string>
  readonly workdir: string
  /** The caller named it. */
  readonly workdirRequired: boolean
  readonly user: string
  readonly hostname: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly terminal: boolean
  readonly openStdin: boolean
  readonly namespaces: MemoryNamespaces
  readonly connection: MemoryConnection
  /** What it has on its networks, from its start on, and while it is frozen. */
  readonly places: NetworkStatus
  readonly autoRemove: boolean
  readonly readOnly: boolean
  readonly privileged: boolean
  readonly capAdd: ReadonlyArray<string>
  readonly capDrop: ReadonlyArray<string>
  readonly shmSizeBytes: number
  readonly rlimits: ReadonlyArray<Rlimit>
  readonly stopSignal: number
  readonly stopTimeoutSeconds: number
  readonly restartPolicy: RestartPolicy
  readonly health?: HealthCheck
  readonly createCommand: ReadonlyArray<string>
  /** Named, with every option. */
  readonly mounts: ReadonlyArray<ContainerMount>
}

/** What changes; instants are RFC 3339, absent when they have not come to pass. */
export interface MemoryState {
  readonly status: ContainerStatus
  readonly pid: number
  readonly exitCode: number
  /** Why it could not be started when that was tried last. */
  readonly startError?: string
  /** Its user asked it to end; its restart policy has no say then. */
  readonly stoppedByUser?: boolean
  readonly restartCount?: number
  readonly startedAt?: string
  readonly finishedAt?: string
  readonly checkpointedAt?: string
  readonly restoredAt?: string
  readonly checkpointed: boolean
  readonly restored: boolean
  /** The files of the last checkpoint or restore were to be kept. */
  readonly kept: "no" | "checkpoint" | "restore"
}

export const initialState: MemoryState = {
  status: "created",
  pid: 0,
  exitCode: 0,
  checkpointed: false,
  restored: false,
  kept: "no",
}

/** A run of a container: what is there only while it has processes. */
export interface Run {
  readonly scope: Scope.Closeable
  readonly main: Process
  readonly input: Queue.Queue<Uint8Array, Cause.Done> | undefined
  readonly terminal: { size: { readonly columns: number; readonly rows: number } | undefined }
  /** Programs beside the main one, by session. */
  readonly sessions: Map<string, { readonly command: ReadonlyArray<string>; readonly program: Process }>
}

export interface MemoryContainer {
  readonly id: string
  config: MemoryConfig
  /** Files of the root filesystem and of /dev/shm. */
  readonly files: Files
  readonly shm: Files
  /** What is mounted in it, by destination. */
  readonly mounts: MountedTrees
  readonly log: Array<LogLine>
  /** One operation at a time. */
  readonly lock: Semaphore.Semaphore
  name: string
  state: MemoryState
  /** Where in the log the present run begins. */
  runBegins: number
  run: Run | undefined
  /** What its health check has found. */
  health: HealthResults
  checkpoint: Snapshot | undefined
  preCheckpoint: Snapshot | undefined
  /** An archive has it. */
  preCheckpointExported: boolean
  removed: boolean
  /** Done, and made anew, when the state or the log changes. */
  changed: Deferred.Deferred<void>
}

export interface MemoryHost {
  /** Newest first. */
  readonly containers: Array<MemoryContainer>
  /** Of containers that are gone, by id. */
  readonly exitCodes: Map<string, number>
  /** Newest first. */
  readonly images: Array<MemoryImage>
  /** In the order of creation. */
  readonly volumes: Array<MemoryVolume>
  /** Keys of the checkpoints that were made here. */
  readonly made: Set<string>
  /** Directories that containers have bound, by their paths on the host. */
  readonly directories: Map<string, Files>
  readonly registry: MemoryRegistry
  readonly runtime: "crun" | "runc"
  readonly runtimeGiven: boolean
  readonly memoryTracking: boolean
  /** What runs, runs in here: it ends with the engine. */
  readonly scope: Scope.Scope
}

export const newId = Effect.sync(() => randomBytes(32).toString("hex"))
export const digestOf = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`
export const instant: Effect.Effect<string> = Effect.map(DateTime.now, DateTime.formatIso)
export const seconds: Effect.Effect<number> = Effect.map(Clock.currentTimeMillis, (millis) => Math.floor(millis / 1000))

export const isActive = ({ state }: MemoryContainer): boolean => state.status === "running" || state.status === "paused"

/** By name, by id, or by the beginning of an id that only one container has. */
export const findContainer = Effect.fnUntraced(function* (
  host: MemoryHost,
  ref: string,
): Effect.fn.Return<MemoryContainer, ContainerNotFound | ContainerAmbiguous> {
  const exact = host.containers.find(({ name }) => name === ref) ?? host.containers.find(({ id }) => id === ref)
  if (exact !== undefined) return exact
  const [found, another] = /^[0-9a-f]+$/.test(ref) ? host.containers.filter(({ id }) => id.startsWith(ref)) : []
  if (found === undefined) return yield* new ContainerNotFound({ ref })
  return another === undefined ? found : yield* new ContainerAmbiguous({ ref })
})

export const latestContainer = (host: MemoryHost): Effect.Effect<MemoryContainer, NoContainers> =>
  Effect.suspend(() => {
    const [latest] = host.containers
    return latest === undefined ? Effect.fail(new NoContainers()) : Effect.succeed(latest)
  })

/** Wake whoever waits for something to happen to a container. */
export const touch = (container: MemoryContainer): Effect.Effect<void> =>
  Effect.sync(() => {
    const { changed } = container
    container.changed = Deferred.makeUnsafe()
    Deferred.doneUnsafe(changed, Effect.void)
  })

export const changeState = (
  container: MemoryContainer,
  change: (state: MemoryState) => MemoryState,
): Effect.Effect<void> =>
  Effect.suspend(() => {
    container.state = change(container.state)
    return touch(container)
  })
