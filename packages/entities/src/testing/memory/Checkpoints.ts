/** Checkpoints of containers in memory: refused, frozen, taken, kept, in the order that every engine follows. */
import { randomBytes } from "node:crypto"
import * as Deferred from "effect/Deferred"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import {
  AutoRemoveRefused,
  CheckpointAborted,
  DumpFailed,
  MemoryTrackingMissing,
  PreCheckpointMissing,
} from "../../failures/CheckpointFailures.ts"
import { ContainerStateImproper } from "../../failures/ContainerFailures.ts"
import type { CheckpointFailure, ReferenceInvalid, StorageFailed } from "../../failures/index.ts"
import type { CheckpointOptions, CheckpointTarget } from "../../options/CheckpointOptions.ts"
import type { CheckpointReport } from "../../reports/CheckpointReport.ts"
import { checkpointAnnotations } from "../../values/CheckpointAnnotations.ts"
import { stayingMounts } from "../../values/ContainerMount.ts"
import { newName } from "../../values/Reference.ts"
import { changesOf, collectBytes } from "./Files.ts"
import { fileTarget } from "./HostFiles.ts"
import { architecture, makeImageBytes, readImage } from "./ImageDocuments.ts"
import { changeState, digestOf, instant, type MemoryContainer, type MemoryHost } from "./MemoryHost.ts"
import { takeIn } from "./MemoryImages.ts"
import { erase, takeDown } from "./Runs.ts"
import { compressed, format, type Snapshot, snapshotTar } from "./Snapshot.ts"

/** The caller holds the container's lock. */
export const checkpointContainer = Effect.fnUntraced(function* (
  host: MemoryHost,
  container: MemoryContainer,
  options: CheckpointOptions,
): Effect.fn.Return<CheckpointReport, CheckpointFailure> {
  const { id, config, run, state } = container
  const began = yield* Clock.currentTimeMillis
  if (run === undefined || state.status !== "running") {
    return yield* new ContainerStateImproper({ id, state: state.status, operation: "checkpoint" })
  }
  if (config.autoRemove && options.target._tag === "Container") return yield* new AutoRemoveRefused({ id })
  if (options.phase !== "full" && !host.memoryTracking) return yield* new MemoryTrackingMissing()
  if (options.phase === "withPrevious" && container.preCheckpoint === undefined) {
    return yield* new PreCheckpointMissing({ id })
  }
  const besides = besidesOf(container, options)
  yield* Effect.scoped(
    Effect.gen(function* () {
      const commit = yield* sinkOf(host, container, options.target)
      return yield* run.main.steps.withPermits(1)(
        Effect.gen(function* () {
          const program = run.main.program()
          if (program.locks && !options.fileLocks) return yield* dumpFailed(container, "some file locks are held")
          if (program.connected && !options.tcpEstablished) {
            return yield* dumpFailed(container, "connected TCP socket, consider using --tcp-established option")
          }
          const snapshot = yield* takeSnapshot(host, container, options)
          yield* commit(snapshot).pipe(
            Effect.mapError(
              ({ message }) => new CheckpointAborted({ id, step: "commit", reason: message, container: "running" }),
            ),
          )
          if (options.phase === "preCheckpoint") {
            container.preCheckpoint = snapshot
            container.preCheckpointExported = options.target._tag !== "Container"
          } else yield* settle(host, container, { options, snapshot })
        }),
      )
    }),
  )
  return {
    Id: id,
    runtime_checkpoint_duration: ((yield* Clock.currentTimeMillis) - began) * 1000 + 1,
    criu_statistics: {
      freezing_time: 100,
      frozen_time: 1000,
      memdump_time: 500,
      memwrite_time: 200,
      pages_scanned: 1024,
      pages_written: 512,
    },
    warnings: [...(options.target._tag === "Container" ? [] : stayingMounts(config.mounts)), ...besides],
  }
})

/** What is said of the programs beside a container's own, which no checkpoint has. */
const besidesOf = ({ name, run }: MemoryContainer, { leaveRunning }: CheckpointOptions) =>
  [...(run?.sessions ?? [])]
    .filter(([, { program }]) => !Deferred.isDoneUnsafe(program.exit))
    .map(
      ([id, { command }]) =>
        `exec session ${id.slice(0, 12)} of ${name} (${command.join(" ")}) ${leaveRunning ? "goes on without being part of" : "ends with"} the checkpoint`,
    )

const dumpFailed = ({ config, id }: MemoryContainer, errorLine: string) =>
  new DumpFailed({ id, runtime: config.runtime, exitCode: 1, errorLine, logFile: `memory:${id}/dump.log` })

const takeSnapshot = (host: MemoryHost, container: MemoryContainer, { phase, target }: CheckpointOptions) =>
  Effect.sync((): Snapshot => {
    const base = host.images.find(({ id }) => id === container.config.imageId)?.files ?? new Map()
    const changes = changesOf(base, container.files)
    const whole = target._tag !== "Archive" || !target.ignoreRootfs
    const paths = whole ? changes.filter(({ kind }) => kind !== "deleted").map(({ path }) => path) : []
    const ballast = container.config.env.find((text) => text.startsWith("BALLAST="))
    const key = randomBytes(16).toString("hex")
    host.made.add(key)
    return {
      format,
      key,
      id: container.id,
      name: container.name,
      config: container.config,
      program: container.run?.main.program() ?? { rest: [], status: 0, locks: false, connected: false },
      changed: new Map(
        paths.flatMap((path) => {
          const node = container.files.get(path)
          return node === undefined ? [] : [[path, node] as const]
        }),
      ),
      deleted: whole ? changes.filter(({ kind }) => kind === "deleted").map(({ path }) => path) : [],
      shm: new Map(container.shm),
      volumes: host.volumes
        .filter(({ name }) => container.config.mounts.some((mount) => mount.type === "volume" && mount.name === name))
        .map(({ anonymous, files, labels, name, options }) => ({
          name,
          anonymous,
          labels,
          options,
          ...(target._tag === "Archive" && target.ignoreVolumes ? {} : { files: new Map(files) }),
        })),
      memory: new Map(
        container.config.mounts.flatMap(({ destination, type }) =>
          type === "tmpfs" ? [[destination, new Map(container.mounts.get(destination)?.files)] as const] : [],
        ),
      ),
      log: [...container.log],
      startedAt: container.state.startedAt ?? "",
      ballastBytes: Number(ballast?.slice("BALLAST=".length) ?? 0),
      memoryOnly: phase === "preCheckpoint",
      ...(phase === "withPrevious" && container.preCheckpoint !== undefined && container.preCheckpointExported
        ? { needs: container.preCheckpoint.key }
        : {}),
    }
  })

type Commit = (snapshot: Snapshot) => Effect.Effect<void, { readonly message: string }>

/** Whatever can stand in the way of the target is found out now, while the container runs. */
const sinkOf = Effect.fnUntraced(function* (
  host: MemoryHost,
  container: MemoryContainer,
  target: CheckpointTarget,
): Effect.fn.Return<Commit, StorageFailed | ReferenceInvalid, Scope.Scope> {
  switch (target._tag) {
    case "Container":
      return () => Effect.void
    case "Image": {
      const name = yield* Effect.fromResult(newName(target.name))
      return (snapshot) => imageOf(host, { container, name, snapshot })
    }
    case "Archive": {
      const { compression, destination } = target
      const { finish, write } =
        destination._tag === "File"
          ? yield* fileTarget(destination.path)
          : { write: destination.write, finish: Effect.void as Effect.Effect<void, StorageFailed> }
      return (snapshot) =>
        Stream.runForEach(compressed(snapshotTar(snapshot), compression), write).pipe(Effect.andThen(finish))
    }
  }
})

const imageOf = Effect.fnUntraced(function* (
  host: MemoryHost,
  {
    container,
    name,
    snapshot,
  }: { readonly container: MemoryContainer; readonly name: string; readonly snapshot: Snapshot },
) {
  const { config } = container
  const layer = yield* collectBytes(snapshotTar(snapshot))
  const bytes = makeImageBytes({
    layer,
    diffId: digestOf(layer),
    created: yield* instant,
    execution: {},
    comment: "",
    annotations: checkpointAnnotations({
      name: container.name,
      rawImageName: config.rawImageName,
      rootfsImageId: config.imageId,
      rootfsImageName: config.imageName,
      engineName: "cryopod-memory",
      engineVersion: "0",
      criuVersion: 40201,
      runtimeName: config.runtime,
      runtimeVersion: "0",
      conmonVersion: "0",
      hostArchitecture: architecture,
      hostKernel: "0",
      cgroupVersion: "v2",
      distributionName: "memory",
      distributionVersion: "0",
    }),
  })
  yield* takeIn(host, yield* readImage(bytes, name), [name])
})

/** The checkpoint is complete; only now is the stop final. */
const settle = Effect.fnUntraced(function* (
  host: MemoryHost,
  container: MemoryContainer,
  { options, snapshot }: { readonly options: CheckpointOptions; readonly snapshot: Snapshot },
) {
  if (options.leaveRunning) return
  const at = yield* instant
  yield* takeDown(container)
  container.checkpoint = snapshot
  yield* changeState(container, (state) => ({
    ...state,
    status: "exited",
    pid: 0,
    exitCode: 0,
    finishedAt: at,
    checkpointed: true,
    checkpointedAt: at,
    restored: false,
    kept: options.keep ? "checkpoint" : "no",
  }))
  if (container.config.autoRemove) yield* erase(host, container)
})
