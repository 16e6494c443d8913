/**
 * Containers, near or far: the interface that the local engine and the tunnel both implement.
 *
 * A caller holds an engine and never knows which. Operations on several containers answer with one item per input,
 * in order; they fail as a whole only when nothing could be attempted.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type {
  CheckpointFailure,
  ContainerFailure,
  CreateFailure,
  HostFailure,
  LookupFailure,
  RestoreFailure,
} from "./failures/index.ts"
import type { NoContainers, TargetShared } from "./failures/index.ts"
import type { Items } from "./Item.ts"
import type { CheckpointOptions } from "./options/CheckpointOptions.ts"
import type { ExecFlags, ListFlags, LogsFlags } from "./options/ContainerOptions.ts"
import type { CreateOptions } from "./options/CreateOptions.ts"
import type { RestoreOptions, RestoreSource } from "./options/RestoreOptions.ts"
import type { CheckpointReport, RestoreReport } from "./reports/CheckpointReport.ts"
import type { ContainerInspect, ContainerSummary, LogLine, PathChange } from "./reports/ContainerReports.ts"
import type { HealthResults } from "./values/HealthCheck.ts"
import type { ContainerSelection } from "./Selection.ts"

/** Where the output of an attached container goes and its input comes from. */
export interface AttachStreams {
  readonly output: (stream: "stdout" | "stderr", content: Uint8Array) => Effect.Effect<void>
  /** Absent when the container gets no input from here. */
  readonly input?: Stream.Stream<Uint8Array>
  /** Sizes of the terminal, the current one first; only with a terminal. */
  readonly resizes?: Stream.Stream<{ readonly columns: number; readonly rows: number }>
}

export interface ExecOptions extends Omit<ExecFlags, "detach" | "latest"> {
  readonly command: readonly [string, ...ReadonlyArray<string>]
  /** Id of the session, 64 hexadecimal digits; a new one when absent. */
  readonly session?: string
}

export interface ContainerEngineShape {
  /** Make a container from an image; it is not started. Succeeds with the full id once the record is durable. */
  readonly create: (options: CreateOptions) => Effect.Effect<{ readonly id: string }, CreateFailure>

  /** Start created or exited containers. A container that runs already is a success that changes nothing. */
  readonly start: (
    selection: ContainerSelection,
  ) => Effect.Effect<Items<string, CreateFailure>, HostFailure | NoContainers>

  /**
   * Start a container and stay with it until it stops, as `attach` does, from its first word: however soon it stops, and although
   * it may remove itself then. `begun` is done when it runs; a failure before that is one of the start, after which the container
   * does not run. Succeeds with its exit code.
   */
  readonly startAttached: (
    ref: string,
    streams: AttachStreams,
    begun: Effect.Effect<void>,
  ) => Effect.Effect<number, CreateFailure>

  /**
   * Follow the output of a container from the beginning of this run and feed its input, until it stops.
   * Succeeds with its exit code.
   */
  readonly attach: (ref: string, streams: AttachStreams) => Effect.Effect<number, ContainerFailure>

  /** Ask the main process to end, then kill it; `timeSeconds` below zero means the container's own stop timeout. */
  readonly stop: (
    selection: ContainerSelection,
    options: { readonly timeSeconds: number; readonly ignore: boolean },
  ) => Effect.Effect<Items<string, ContainerFailure>, HostFailure | NoContainers>

  /** Send a signal, by name with or without SIG, or by number. */
  readonly kill: (
    selection: ContainerSelection,
    options: { readonly signal: string },
  ) => Effect.Effect<Items<string, ContainerFailure>, HostFailure | NoContainers>

  readonly pause: (
    selection: ContainerSelection,
  ) => Effect.Effect<Items<string, ContainerFailure>, HostFailure | NoContainers>
  readonly unpause: (
    selection: ContainerSelection,
  ) => Effect.Effect<Items<string, ContainerFailure>, HostFailure | NoContainers>

  /**
   * Wait until the containers have stopped; the items carry their exit codes. The code of one that is gone is known by its full
   * id for a few minutes more.
   */
  readonly wait: (
    selection: ContainerSelection,
    options: { readonly ignore: boolean; readonly intervalMillis: number },
  ) => Effect.Effect<Items<number, ContainerFailure>, HostFailure | NoContainers>

  /**
   * Remove containers with all they have; a running one only with `force`, which stops it first. One that others join is
   * refused, or goes with those with `depend`; the infra container of a pod goes with its pod, or with all containers. With
   * `volumes`, volumes that nobody named and no other container uses go too.
   */
  readonly remove: (
    selection: ContainerSelection,
    options: {
      readonly force: boolean
      readonly ignore: boolean
      readonly depend?: boolean
      readonly timeSeconds: number
      readonly volumes?: boolean
    },
  ) => Effect.Effect<Items<string, ContainerFailure>, HostFailure | NoContainers>

  readonly list: (flags: ListFlags) => Effect.Effect<ReadonlyArray<ContainerSummary>, ContainerFailure>
  readonly exists: (ref: string) => Effect.Effect<boolean, HostFailure>
  readonly inspect: (ref: string) => Effect.Effect<ContainerInspect, ContainerFailure>
  readonly latest: Effect.Effect<string, HostFailure | NoContainers>
  readonly rename: (ref: string, name: string) => Effect.Effect<void, ContainerFailure>

  /** Changes of the root filesystem against the image, parents before children. */
  readonly diff: (ref: string) => Effect.Effect<ReadonlyArray<PathChange>, CreateFailure>

  /** Rows of `ps` inside the container, the header first. */
  readonly top: (
    ref: string,
    descriptors: ReadonlyArray<string>,
  ) => Effect.Effect<ReadonlyArray<ReadonlyArray<string>>, ContainerFailure>

  /** Published ports, as `80/tcp -> 0.0.0.0:8080`. */
  readonly port: (ref: string) => Effect.Effect<ReadonlyArray<string>, ContainerFailure>

  /** Recorded output; with `follow` it goes on until the container stops. */
  readonly logs: (ref: string, flags: Pick<LogsFlags, "follow" | "tail">) => Stream.Stream<LogLine, ContainerFailure>

  /**
   * Run a program in a running container. Succeeds with its exit code. Without `streams` the program gets the caller's own
   * standard streams and terminal.
   */
  readonly exec: (ref: string, options: ExecOptions, streams?: AttachStreams) => Effect.Effect<number, ContainerFailure>

  /** Run a program that nobody listens to. Succeeds with the id of its session as soon as it runs. */
  readonly execDetached: (
    ref: string,
    options: Omit<ExecOptions, "interactive">,
  ) => Effect.Effect<string, ContainerFailure>

  /**
   * Ask a running container whether it is well, by its health check. Succeeds with what is known then; checks at intervals are
   * made by the engine by itself.
   */
  readonly healthcheck: (ref: string) => Effect.Effect<HealthResults, ContainerFailure>

  /**
   * Dump running containers and keep the result with the container, and as an archive or an image as well.
   *
   * A container is stopped only after its checkpoint is complete; when anything fails after the freeze, it runs on
   * or stays restorable, and the failure says which. With `leaveRunning` memory and files are of one instant.
   */
  readonly checkpoint: (
    selection: ContainerSelection,
    options: CheckpointOptions,
  ) => Effect.Effect<
    Items<CheckpointReport, CheckpointFailure>,
    HostFailure | TargetShared | NoContainers | LookupFailure
  >

  /**
   * Bring checkpointed containers back where they left off. A name is a container first and an image otherwise; an
   * archive is one item, whose input is empty. A restore that fails leaves nothing behind; the checkpoint it was made
   * from stays.
   */
  readonly restore: (
    source: RestoreSource,
    options: RestoreOptions,
  ) => Effect.Effect<Items<RestoreReport, RestoreFailure>, HostFailure | NoContainers>
}

export class ContainerEngine extends Context.Service<ContainerEngine, ContainerEngineShape>()(
  "@cryopod/entities/ContainerEngine",
) {}
