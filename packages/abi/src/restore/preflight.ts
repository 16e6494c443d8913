/** Will this checkpoint thaw here? Asked before anything is made: runtime, architecture, names, base image. */
import { join } from "node:path"
import { checkpointMembers } from "@cryopod/checkpoint"
import { type CheckpointInvalid, factsFromAnnotations } from "@cryopod/entities"
import {
  ArchitectureMismatch,
  BaseImageMissing,
  ContainerIdInUse,
  CriuUnfit,
  type HostFailure,
  type HostUnfit,
  type ImageFailure,
  isContainerName,
  NameInUse,
  NameInvalid,
  namespaceKinds,
  type PlacementFailure,
  replacedMounts,
  repositoryOfName,
  type BindSourceMissing,
  type MountInvalid,
  type PodRestoreRefused,
  remoteName,
  type RestoreOptions,
  type RestoreRefused,
  RuntimeMismatch,
  type VolumeRestoreRefused,
  runtimeNamed,
} from "@cryopod/entities"
import { Tools } from "@cryopod/host"
import { ImageStore, pullImage, type StoredImage } from "@cryopod/images"
import { type ContainerConfig, Containers, withHostPorts } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { repairAbandoned } from "../container/ContainerScope.ts"
import { newContainerId } from "../container/create.ts"
import { neededOptions, requireCriuConfigurable } from "../container/criuOptions.ts"
import type { JoinedPod, Membership } from "../container/membership.ts"
import { removeImages } from "../image/remove.ts"
import { newVolumeName } from "../volume/createVolume.ts"
import { type AllServices, EngineDefaults } from "../EngineServices.ts"
import { hostFacts } from "../system/HostFacts.ts"
import type { HeldRestore } from "../policy/choosePolicy.ts"
import { type HeldBy, holdToPolicy } from "../policy/holdToPolicy.ts"
import { requireFit } from "../compatibility/fit.ts"
import { Probes } from "../system/Probes.ts"
import { attachmentsOf } from "../network/attachmentsOf.ts"
import { withoutStatic } from "./formerPlaces.ts"
import { importedConnection } from "./importedConnection.ts"
import { importedConfig } from "./importedConfig.ts"
import { importedMembership } from "./importedMembership.ts"
import { type ImportedVolume, importedMounts } from "./importedVolumes.ts"
import type { OpenedCheckpoint } from "./open.ts"
import { refuseMounts } from "./restoreVolumes.ts"

/** A container that is about to be made from a checkpoint. */
export interface Import {
  readonly name: string
  readonly config: ContainerConfig
  readonly volumes: ReadonlyArray<ImportedVolume>
  /** What of its mounts was left out, one sentence each. */
  readonly dropped: ReadonlyArray<string>
}

type Failure =
  | RestoreRefused
  | HostUnfit
  | RuntimeMismatch
  | ArchitectureMismatch
  | BaseImageMissing
  | CheckpointInvalid
  | ContainerIdInUse
  | NameInUse
  | NameInvalid
  | PodRestoreRefused
  | VolumeRestoreRefused
  | MountInvalid
  | BindSourceMissing
  | PlacementFailure
  | CriuUnfit
  | HostFailure
  | ImageFailure

export const preflight = Effect.fn("restore.preflight")(function* (
  opened: OpenedCheckpoint,
  options: HeldRestore,
  pod: JoinedPod | undefined,
): Effect.fn.Return<Import, Failure, AllServices> {
  const namespaces = yield* Effect.fromResult(importedMembership(opened, pod))
  const parts = preflightParts(opened, options)
  yield* holdToPolicy(opened, options.policy, yield* Effect.fromResult(heldBy(options, namespaces)))
  if (pod !== undefined) yield* requirePodCriu
  const runtime = yield* parts.runtime
  yield* requireCriuConfigurable(runtime, neededOptions(options, opened.needs))
  const { annotations, architecture, members, source } = opened
  const here = yield* hostFacts
  const required = factsFromAnnotations(annotations).hostArchitecture ?? architecture
  if (required !== "" && required !== here.architecture) {
    return yield* new ArchitectureMismatch({ source, required, found: here.architecture })
  }
  const imagesDirectory = join(members, checkpointMembers.images.name)
  yield* requireFit({ source, members, imagesDirectory, annotations, architecture }, options.force)
  const { id, name } = yield* parts.name
  const { dropped, mounts, volumes } = yield* parts.mounts
  const base = yield* baseImage(opened)
  const connection = yield* parts.connection(namespaces.network)
  const membership = { ...namespaces, connection }
  const config = yield* Effect.fromResult(importedConfig(opened, { id, runtime, imageId: base.id, membership, mounts }))
  return { name, config: withoutStatic(config, options), volumes, dropped }
})

/** What is asked before anything is made, each by itself. */
export const preflightParts = (opened: OpenedCheckpoint, options: RestoreOptions) => ({
  runtime: chooseRuntime(opened, options),
  name: Effect.gen(function* () {
    const name = options.name ?? opened.config.name
    if (!isContainerName(name)) return yield* new NameInvalid({ name })
    const id = options.name === undefined ? opened.config.id : yield* newContainerId
    yield* refuseTaken(id, name)
    return { id, name }
  }),
  mounts: Effect.gen(function* () {
    const found = yield* Effect.fromResult(
      importedMounts(opened, {
        replaced: yield* Effect.fromResult(replacedMounts(options.volume)),
        // a container with another name has volumes of its own in place of those that nobody named
        anonymous: (volume) => (options.name === undefined ? volume : newVolumeName()),
      }),
    )
    const { mounts, volumes } = found
    yield* refuseMounts(opened, { mounts, volumes: options.ignoreVolumes ? [] : volumes })
    return found
  }),
  connection: Effect.fnUntraced(function* (network: Membership["network"]) {
    const wanted = yield* Effect.fromResult(importedConnection(opened, options, network))
    return {
      ...wanted,
      attachments: yield* attachmentsOf(wanted.attachments),
      published: yield* withHostPorts(wanted.published),
    }
  }),
  /** Where the base image is, or would come from. */
  baseImage: Effect.flatMap(storedBase(opened), (found) =>
    found === undefined
      ? Effect.flatMap(Effect.fromResult(baseName(opened)), (name) =>
          name.startsWith("localhost/")
            ? Effect.fail(baseMissing(opened.config, "is not in the store, and its name is no registry's"))
            : Effect.succeed(`to be pulled as ${name}`),
        )
      : Effect.succeed(found.names[0] ?? found.id),
  ),
})

/** What the caller and the pod bring, which no policy has to give. */
export const heldBy = (
  { volume }: Pick<RestoreOptions, "volume">,
  membership: Pick<Membership, "namespaces"> | undefined,
): Result.Result<HeldBy, MountInvalid> =>
  Result.map(replacedMounts(volume), (replaced) => ({
    joined: membership === undefined ? [] : joinedTypes(membership),
    replaced: [...replaced.keys()],
  }))

/** Types of the OCI runtime-spec. */
const joinedTypes = ({ namespaces }: Pick<Membership, "namespaces">): ReadonlyArray<string> =>
  namespaceKinds
    .filter((kind) => typeof namespaces[kind] === "object")
    .map((kind) => (kind === "net" ? "network" : kind))

/** CRIU joins namespaces that exist from this version on (libpod `pkg/criu`, PodCriuVersion). */
const podCriuVersion = 31_600

const requirePodCriu = Effect.gen(function* () {
  const { version } = yield* (yield* Probes).criu
  if (version >= podCriuVersion) return
  return yield* new CriuUnfit({
    problem: `restoring containers into pod: checkpoint/restore requires at least CRIU ${podCriuVersion}, current version is ${version}`,
    remedy: "install a newer one",
  })
})

/** The runtime that made the dump, unless the caller insists on another one, which cannot work. */
const chooseRuntime = Effect.fnUntraced(function* (
  { annotations, config, imageId, source }: OpenedCheckpoint,
  options: RestoreOptions,
) {
  const kind = imageId === undefined ? "archive" : "image"
  const defaults = yield* EngineDefaults
  // Podman annotates the runtime of its own call; the configuration has that of the container
  const named = config.runtime ?? factsFromAnnotations(annotations).runtimeName
  const required = lastPart(named ?? (yield* defaults.runtime))
  const insisted = options.runtime ?? (defaults.runtimeGiven ? yield* defaults.runtime : undefined)
  const known = Option.getOrUndefined(Result.getSuccess(runtimeNamed(required)))
  if (known === undefined || (insisted !== undefined && insisted !== known)) {
    return yield* new RuntimeMismatch({ kind, source, required, given: insisted ?? (yield* defaults.runtime) })
  }
  yield* (yield* Tools).path(known)
  return known
})

const lastPart = (path: string) => path.slice(path.lastIndexOf("/") + 1)

const refuseTaken = Effect.fnUntraced(function* (id: string, name: string) {
  yield* repairAbandoned((record) => record.id === id || record.name === name)
  const all = yield* (yield* Containers).list
  const sameId = all.find((record) => record.id === id)
  if (sameId !== undefined) return yield* new ContainerIdInUse({ id, name: sameId.name })
  const sameName = all.find((record) => record.name === name)
  if (sameName !== undefined) return yield* new NameInUse({ name, id: sameName.id })
})

const storedBase = ({ config }: OpenedCheckpoint): Effect.Effect<StoredImage | undefined, HostFailure, ImageStore> =>
  Effect.flatMap(ImageStore, (store) => store.get(config.rootfsImageID)).pipe(
    Effect.catchTag("ImageNotFound", () => Effect.succeed(undefined)),
  )

const baseMissing = ({ rootfsImageID: id, rootfsImageName: name = "" }: OpenedCheckpoint["config"], problem: string) =>
  new BaseImageMissing({ name, id, problem })

/** The name to pull it by: a stranger's is a registry's, never a path or another store of this host. */
const baseName = ({ config }: OpenedCheckpoint): Result.Result<string, BaseImageMissing> => {
  const name = config.rootfsImageName ?? ""
  const registryName = Option.getOrUndefined(Result.getSuccess(remoteName(name)))
  return name === config.rootfsImageID || registryName === undefined
    ? Result.fail(baseMissing(config, "is not in the store and has no name to pull it by"))
    : Result.succeed(registryName)
}

/** By id in the store; else pulled by its digest, or by name if that still leads to the same image. */
const baseImage = Effect.fnUntraced(function* (opened: OpenedCheckpoint) {
  const { config } = opened
  const found = yield* storedBase(opened)
  if (found !== undefined) return found
  const name = yield* Effect.fromResult(baseName(opened))
  const id = config.rootfsImageID
  const known = new Set((yield* (yield* ImageStore).list).map((image) => image.id))
  const digest = config.rootfsImageDigest ?? ""
  if (/^sha256:[0-9a-f]{64}$/.test(digest)) {
    const exact = yield* Effect.option(pullFromRegistry(`${repositoryOfName(name)}@${digest}`))
    if (Option.isSome(exact) && exact.value.id === id) return exact.value
    if (Option.isSome(exact)) yield* discard(exact.value, known)
  }
  const pulled = yield* pullFromRegistry(name).pipe(
    Effect.mapError((failure) => baseMissing(config, `is not in the store and cannot be pulled: ${failure.message}`)),
  )
  if (pulled.id === id) return pulled
  yield* discard(pulled, known)
  return yield* baseMissing(config, `the name now leads to another image (${pulled.id.slice(0, 12)})`)
})

/** With the logins and the rules of this host. */
const pullFromRegistry = (name: string) => pullImage(`docker://${name}`, { tlsVerify: true, authfile: "", creds: "" })

/** An image that was pulled in vain goes again, unless it had been there before. */
const discard = (image: StoredImage, known: ReadonlySet<string>) =>
  known.has(image.id)
    ? Effect.void
    : Effect.asVoid(removeImages([image.id], { all: false, force: false, ignore: true }))
