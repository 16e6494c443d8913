/** Will this checkpoint thaw here? Asked before anything is made: runtime, architecture, names, base image. */
import { type CheckpointInvalid, factsFromAnnotations } from "@cryopod/entities"
import {
  ArchitectureMismatch,
  BaseImageMissing,
  ContainerIdInUse,
  CriuUnfit,
  type HostFailure,
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
} from "@cryopod/entities"
import { Tools } from "@cryopod/host"
import { ImageStore, pullImage, type StoredImage } from "@cryopod/images"
import { type ContainerConfig, Containers, type RuntimeName, withHostPorts } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { repairAbandoned } from "../container/ContainerScope.ts"
import { newContainerId } from "../container/create.ts"
import type { JoinedPod, Membership } from "../container/membership.ts"
import { removeImages } from "../image/remove.ts"
import { newVolumeName } from "../volume/createVolume.ts"
import { type AllServices, EngineDefaults } from "../EngineServices.ts"
import { hostFacts } from "../system/HostFacts.ts"
import { holdToPolicy } from "../policy/holdToPolicy.ts"
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
  options: RestoreOptions,
  pod: JoinedPod | undefined,
): Effect.fn.Return<Import, Failure, AllServices> {
  const namespaces = yield* Effect.fromResult(importedMembership(opened, pod))
  const replaced = yield* Effect.fromResult(replacedMounts(options.volume))
  yield* holdToPolicy(opened, options.policy, {
    joined: joinedTypes(namespaces),
    replaced: [...replaced.keys()],
  })
  if (pod !== undefined) yield* requirePodCriu
  const runtime = yield* chooseRuntime(opened)
  const here = yield* hostFacts
  const architecture = factsFromAnnotations(opened.annotations).hostArchitecture ?? opened.architecture
  if (architecture !== "" && architecture !== here.architecture) {
    return yield* new ArchitectureMismatch({ source: opened.source, required: architecture, found: here.architecture })
  }
  const name = options.name ?? opened.config.name
  if (!isContainerName(name)) return yield* new NameInvalid({ name })
  const id = options.name === undefined ? opened.config.id : yield* newContainerId
  yield* refuseTaken(id, name)
  const { dropped, mounts, volumes } = yield* Effect.fromResult(
    importedMounts(opened, {
      replaced,
      // a container with another name has volumes of its own in place of those that nobody named
      anonymous: (volume) => (options.name === undefined ? volume : newVolumeName()),
    }),
  )
  yield* refuseMounts(opened, { mounts, volumes: options.ignoreVolumes ? [] : volumes })
  const base = yield* baseImage(opened)
  const wanted = yield* Effect.fromResult(importedConnection(opened, options, namespaces.network))
  const connection = {
    ...wanted,
    attachments: yield* attachmentsOf(wanted.attachments),
    published: yield* withHostPorts(wanted.published),
  }
  const membership = { ...namespaces, connection }
  const config = yield* Effect.fromResult(importedConfig(opened, { id, runtime, imageId: base.id, membership, mounts }))
  return { name, config: withoutStatic(config, options), volumes, dropped }
})

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
const chooseRuntime = Effect.fnUntraced(function* ({ annotations, config, imageId, source }: OpenedCheckpoint) {
  const kind = imageId === undefined ? "archive" : "image"
  const defaults = yield* EngineDefaults
  // Podman annotates the runtime of its own call; the configuration has that of the container
  const named = config.runtime ?? factsFromAnnotations(annotations).runtimeName
  const required = baseName(named ?? (yield* defaults.runtime))
  const mismatch = (given: string) => new RuntimeMismatch({ kind, source, required, given })
  if (!isRuntime(required)) return yield* mismatch(yield* defaults.runtime)
  if (defaults.runtimeGiven) {
    const given = yield* defaults.runtime
    if (given !== required) return yield* mismatch(given)
  }
  yield* (yield* Tools).path(required)
  return required
})

const baseName = (path: string) => path.slice(path.lastIndexOf("/") + 1)
const isRuntime = (name: string): name is RuntimeName => name === "runc" || name === "crun"

const refuseTaken = Effect.fnUntraced(function* (id: string, name: string) {
  yield* repairAbandoned((record) => record.id === id || record.name === name)
  const all = yield* (yield* Containers).list
  const sameId = all.find((record) => record.id === id)
  if (sameId !== undefined) return yield* new ContainerIdInUse({ id, name: sameId.name })
  const sameName = all.find((record) => record.name === name)
  if (sameName !== undefined) return yield* new NameInUse({ name, id: sameName.id })
})

/** By id in the store; else pulled by its digest, or by name if that still leads to the same image. */
const baseImage = Effect.fnUntraced(function* ({ config }: OpenedCheckpoint) {
  const store = yield* ImageStore
  const id = config.rootfsImageID
  const name = config.rootfsImageName ?? ""
  const missing = (problem: string) => new BaseImageMissing({ name, id, problem })
  const found: StoredImage | undefined = yield* store
    .get(id)
    .pipe(Effect.catchTag("ImageNotFound", () => Effect.succeed(undefined)))
  if (found !== undefined) return found
  // a stranger's name is a registry's, never a path or another store of this host
  const registryName = Option.getOrUndefined(Result.getSuccess(remoteName(name)))
  if (name === id || registryName === undefined) {
    return yield* missing("is not in the store and has no name to pull it by")
  }
  const known = new Set((yield* store.list).map((image) => image.id))
  const digest = config.rootfsImageDigest ?? ""
  if (/^sha256:[0-9a-f]{64}$/.test(digest)) {
    const exact = yield* Effect.option(pullFromRegistry(`${repositoryOfName(registryName)}@${digest}`))
    if (Option.isSome(exact) && exact.value.id === id) return exact.value
    if (Option.isSome(exact)) yield* discard(exact.value, known)
  }
  const pulled = yield* pullFromRegistry(registryName).pipe(
    Effect.mapError((failure) => missing(`is not in the store and cannot be pulled: ${failure.message}`)),
  )
  if (pulled.id === id) return pulled
  yield* discard(pulled, known)
  return yield* missing(`the name now leads to another image (${pulled.id.slice(0, 12)})`)
})

/** With the logins and the rules of this host. */
const pullFromRegistry = (name: string) => pullImage(`docker://${name}`, { tlsVerify: true, authfile: "", creds: "" })

/** An image that was pulled in vain goes again, unless it had been there before. */
const discard = (image: StoredImage, known: ReadonlySet<string>) =>
  known.has(image.id)
    ? Effect.void
    : Effect.asVoid(removeImages([image.id], { all: false, force: false, ignore: true }))
