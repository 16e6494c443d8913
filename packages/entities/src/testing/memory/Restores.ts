/** Restores in memory: in place, from an image, from an archive. What fails leaves nothing behind. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import {
  type PolicyDifference,
  RestoreRefused,
  BaseImageMissing,
  CheckpointInvalid,
  CheckpointMissing,
  FileLocksRefused,
  NotACheckpoint,
  RestoreFailed,
  RuntimeMismatch,
} from "../../failures/CheckpointFailures.ts"
import {
  ContainerIdInUse,
  ContainerStateImproper,
  NameInUse,
  NameInvalid,
  OptionInvalid,
} from "../../failures/ContainerFailures.ts"
import type { RestoreFailure } from "../../failures/index.ts"
import type { ArchiveSource } from "../../ImageEngine.ts"
import type { RestoreOptions, TcpConnections } from "../../options/RestoreOptions.ts"
import type { RestoreReport } from "../../reports/CheckpointReport.ts"
import { isCheckpointImage } from "../../values/CheckpointAnnotations.ts"
import { capabilityName, capabilityNames } from "../../values/Capability.ts"
import { beginningHealth } from "../../values/HealthCheck.ts"
import { isContainerName } from "../../values/ContainerName.ts"
import type { NetworkAttachment } from "../../values/ContainerNetwork.ts"
import { interfaceOn } from "../../values/NetworkSettings.ts"
import { parsePublish } from "../../values/PortMapping.ts"
import { defaultRestorePolicy } from "../../values/RestorePolicy.ts"
import { placesFor, withPorts } from "./MemoryNetworks.ts"
import { bytesOf, nameOf } from "./HostFiles.ts"
import {
  initialState,
  instant,
  isActive,
  type MemoryConfig,
  type MemoryContainer,
  type MemoryHost,
  type MemoryImage,
  type MemoryState,
  newId,
} from "./MemoryHost.ts"
import { fillVolumes } from "./MemoryMounts.ts"
import { discardVolumes, notRestored, restoredMounts, restoredTrees, restoreVolumes } from "./RestoredMounts.ts"
import { beginRun, erase } from "./Runs.ts"
import type { Program } from "./Shell.ts"
import { decompressed, readSnapshot, type Snapshot } from "./Snapshot.ts"

/** The caller holds the container's lock. */
export const restoreInPlace = Effect.fnUntraced(function* (
  host: MemoryHost,
  container: MemoryContainer,
  options: RestoreOptions,
): Effect.fn.Return<RestoreReport, RestoreFailure> {
  const { checkpoint, id, state } = container
  if (isActive(container)) return yield* new ContainerStateImproper({ id, state: state.status, operation: "restore" })
  if (checkpoint === undefined) return yield* new CheckpointMissing({ id, path: "memory:inventory.img" })
  container.config = {
    ...container.config,
    connection: {
      ...container.config.connection,
      attachments: forgetting(container.config.connection.attachments, options),
    },
    ...(options.ignoreStaticIp || options.ignoreStaticMac
      ? { places: yield* Effect.fromResult(placesFor(host, keptPlaces(container.config, options))) }
      : {}),
  }
  const report = yield* goOn(host, container, { options, snapshot: checkpoint })
  if (!options.keep) container.checkpoint = undefined
  return report
})

export const restoreImage = Effect.fnUntraced(function* (
  host: MemoryHost,
  { image, source }: { readonly image: MemoryImage; readonly source: string },
  options: RestoreOptions,
): Effect.fn.Return<RestoreReport, RestoreFailure> {
  if (!isCheckpointImage(image.annotations)) return yield* new NotACheckpoint({ id: image.id })
  const snapshot = yield* readSnapshot(decompressed(Stream.make(image.layer), source), source)
  return yield* restoreNew(host, { kind: "image", snapshot, source }, options)
})

export const restoreArchive = Effect.fnUntraced(function* (
  host: MemoryHost,
  { archive, previous }: { readonly archive: ArchiveSource; readonly previous?: ArchiveSource },
  options: RestoreOptions,
): Effect.fn.Return<RestoreReport, RestoreFailure> {
  const source = nameOf(archive)
  const snapshot = yield* readSnapshot(decompressed(bytesOf(archive), source), source)
  const before =
    previous === undefined
      ? undefined
      : yield* readSnapshot(decompressed(bytesOf(previous), nameOf(previous)), nameOf(previous))
  if (snapshot.needs !== undefined && snapshot.needs !== before?.key) {
    const problem = "needs the archive of its pre-checkpoint"
    return yield* new CheckpointInvalid({ source, member: "checkpoint", problem })
  }
  return yield* restoreNew(host, { kind: "archive", snapshot, source }, options)
})

/** The runtime that the caller or whoever made the engine has named. */
export const insistedRuntime = (host: MemoryHost, { runtime }: RestoreOptions): string | undefined =>
  runtime ?? (host.runtimeGiven ? host.runtime : undefined)

const restoreNew = Effect.fnUntraced(function* (
  host: MemoryHost,
  {
    kind,
    snapshot,
    source,
  }: { readonly kind: RuntimeMismatch["kind"]; readonly snapshot: Snapshot; readonly source: string },
  options: RestoreOptions,
): Effect.fn.Return<RestoreReport, RestoreFailure> {
  if (snapshot.memoryOnly) {
    return yield* new CheckpointInvalid({
      source,
      member: "checkpoint",
      problem: "is missing: this is a pre-checkpoint",
    })
  }
  const beyond = beyondPolicy(host, snapshot, options)
  if (beyond.length > 0) return yield* new RestoreRefused({ source, differences: beyond })
  const { runtime } = snapshot.config
  const given = insistedRuntime(host, options)
  if (given !== undefined && given !== runtime) {
    return yield* new RuntimeMismatch({ kind, source, required: runtime, given })
  }
  const name = options.name ?? snapshot.name
  if (!isContainerName(name)) return yield* new NameInvalid({ name })
  const id = options.name === undefined ? snapshot.id : yield* newId
  const sameId = host.containers.find((other) => other.id === id)
  if (sameId !== undefined) return yield* new ContainerIdInUse({ id, name: sameId.name })
  const sameName = host.containers.find((other) => other.name === name)
  if (sameName !== undefined) return yield* new NameInUse({ name, id: sameName.id })
  if (options.pod !== undefined) {
    return yield* new OptionInvalid({ option: "pod", value: options.pod, problem: "there are no pods in memory" })
  }
  const mounts = yield* restoredMounts(host, snapshot, options)
  const base = host.images.find((image) => image.id === snapshot.config.imageId)
  if (base === undefined) {
    return yield* new BaseImageMissing({
      name: snapshot.config.imageName,
      id: snapshot.config.imageId,
      problem: "is not in the store",
    })
  }
  const files = new Map(base.files)
  if (!options.ignoreRootfs) {
    for (const path of snapshot.deleted) {
      for (const other of files.keys()) if (other === path || other.startsWith(`${path}/`)) files.delete(other)
    }
    for (const [path, node] of snapshot.changed) files.set(path, node)
  }
  const made = yield* restoreVolumes(host, { mounts, snapshot }, options)
  const container: MemoryContainer = {
    id,
    name,
    config: { ...(yield* restoredConfig(host, snapshot, options)), mounts },
    files,
    shm: new Map(snapshot.shm),
    mounts: yield* restoredTrees(host, { mounts, snapshot }),
    log: [...snapshot.log],
    lock: yield* Semaphore.make(1),
    state: { ...initialState, startedAt: snapshot.startedAt },
    runBegins: 0,
    run: undefined,
    health: beginningHealth,
    checkpoint: options.keep ? snapshot : undefined,
    preCheckpoint: undefined,
    preCheckpointExported: false,
    removed: false,
    changed: yield* Deferred.make<void>(),
  }
  fillVolumes(host, container)
  host.containers.unshift(container)
  const report = yield* goOn(host, container, { options, snapshot }).pipe(
    Effect.onError(() => Effect.andThen(erase(host, container), discardVolumes(host, made))),
  )
  return { ...report, warnings: snapshot.config.mounts.flatMap(notRestored(mounts, source)) }
})

/** Programs in memory have nothing but capabilities that a policy could be about. */
export const beyondPolicy = (
  host: MemoryHost,
  { config, key }: Snapshot,
  { policy = defaultRestorePolicy }: RestoreOptions,
): ReadonlyArray<PolicyDifference> => {
  if (host.made.has(key) || policy === "none") return []
  const has = config.privileged ? capabilityNames : config.capAdd.map((name) => capabilityName(name) ?? name)
  const beyond = has.filter((name) => !policy.capabilities.includes(name))
  if (beyond.length === 0) return []
  return [
    {
      subject: "configuration",
      finding: `bounding ${beyond.join(", ")}`,
      reason: "the policy does not have them",
      remedy: "let the policy have them in capabilities",
    },
  ]
}
/** Under another name it is another container, with other addresses; ports that are given replace those it had. */
const restoredConfig = Effect.fnUntraced(function* (
  host: MemoryHost,
  { config }: Pick<Snapshot, "config">,
  options: Pick<RestoreOptions, "name" | "publish" | "ignoreStaticIp" | "ignoreStaticMac">,
) {
  const given = (yield* Effect.forEach(options.publish, (text) => Effect.fromResult(parsePublish(text)))).flat()
  const attachments = forgetting(config.connection.attachments, options)
  const connection = {
    ...config.connection,
    attachments,
    published: given.length > 0 && attachments.length > 0 ? withPorts(given) : config.connection.published,
  }
  const had = options.name === undefined ? keptPlaces(config, options) : attachments
  return { ...config, connection, places: yield* Effect.fromResult(placesFor(host, had)) }
})

/** What the container has on its networks, as something that it asks for. */
const keptPlaces = (
  { connection: { attachments }, places }: Pick<MemoryConfig, "connection" | "places">,
  options: Pick<RestoreOptions, "ignoreStaticIp" | "ignoreStaticMac">,
) =>
  forgetting(
    attachments.map((attachment) => {
      const had = interfaceOn(places, attachment.network)
      return had === undefined
        ? attachment
        : {
            ...attachment,
            mac: had.mac_address,
            ips: (had.subnets ?? []).flatMap(({ ipnet }) => ipnet.split("/")[0] ?? []),
          }
    }),
    options,
  )

const forgetting = (
  attachments: ReadonlyArray<NetworkAttachment>,
  { ignoreStaticIp, ignoreStaticMac }: Pick<RestoreOptions, "ignoreStaticIp" | "ignoreStaticMac">,
): ReadonlyArray<NetworkAttachment> =>
  attachments.map(({ ips, mac, ...rest }) => ({
    ...rest,
    ips: ignoreStaticIp ? [] : ips,
    ...(mac === undefined || ignoreStaticMac ? {} : { mac }),
  }))

/** The program goes on from where it was. */
const goOn = Effect.fnUntraced(function* (
  host: MemoryHost,
  container: MemoryContainer,
  { options, snapshot }: { readonly options: RestoreOptions; readonly snapshot: Snapshot },
): Effect.fn.Return<RestoreReport, RestoreFailed | FileLocksRefused> {
  const began = yield* Clock.currentTimeMillis
  const { program } = snapshot
  if (program.locks && !options.fileLocks) return yield* new FileLocksRefused({ id: container.id })
  const connected = yield* connection(container, program, options.tcp)
  const restoredAt = yield* instant
  yield* beginRun(host, container, {
    program: { ...program, connected },
    change: (state): MemoryState => ({
      ...state,
      startedAt: state.startedAt ?? restoredAt,
      checkpointed: false,
      restored: true,
      restoredAt,
      kept: options.keep ? "restore" : "no",
    }),
  })
  return {
    Id: container.id,
    runtime_restore_duration: ((yield* Clock.currentTimeMillis) - began) * 1000 + 1,
    warnings: [],
    criu_statistics: {
      pages_compared: 0,
      pages_skipped_cow: 0,
      forking_time: 10,
      restore_time: 1000,
      pages_restored: 512,
    },
  }
})

const connection = (container: MemoryContainer, { connected }: Program, tcp: TcpConnections) => {
  if (!connected) return Effect.succeed(false)
  return tcp === "refuse"
    ? Effect.fail(failed(container, "connected TCP socket, consider using --tcp-established option"))
    : Effect.succeed(tcp === "keep")
}

/** What runtimes say when CRIU gives up; scripts look for it. */
const runtimeErrors = {
  crun: "CRIU restoring failed -52. Please check CRIU logfile",
  runc: "criu failed: type NOTIFY errno 0",
}

const failed = ({ config, id }: MemoryContainer, errorLine: string) =>
  new RestoreFailed({
    id,
    runtime: config.runtime,
    runtimeError: runtimeErrors[config.runtime],
    errorLine,
    logFile: `memory:${id}/restore.log`,
  })
