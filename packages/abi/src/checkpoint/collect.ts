/**
 * Take the files that belong to the dump, while nothing moves: `takeFiles` what CRIU neither reads nor writes, so that it can
 * be done at the same time, and `collect` that and the rest: what conmon and CRIU have to say in the end.
 *
 * /dev/shm lives in memory on the host and is kept with the container in any case. For a checkpoint that leaves its
 * container, everything that is the container's own becomes one list of members, each with the place where its content
 * lies and nobody writes any more; CRIU's files stay where CRIU wrote them.
 */
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import type { PlannedMember, StreamedMember } from "@cryopod/archive"
import {
  checkpointMembers,
  type PackDirectory,
  packDirectory,
  rootfsDiff,
  streamDirectory,
  volumeMember,
} from "@cryopod/checkpoint"
import type { HostFailure, ImageFailure } from "@cryopod/entities"
import {
  attempt,
  attemptSync,
  type ContainerPaths,
  copyFile,
  Layout,
  makeDirectory,
  removeTree,
  writeAtomic,
} from "@cryopod/host"
import { ImageStore, RootFilesystems } from "@cryopod/images"
import { type ContainerRecord, isHostNamespace, Pods } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { readSpec } from "../container/bundle.ts"
import type { AllServices } from "../EngineServices.ts"
import { lastWords } from "./lastWords.ts"
import { libpodDocument, portableSpec } from "./libpodDocument.ts"
import { podDump, podOptions } from "./podDocuments.ts"
import type { Plan } from "./preflight.ts"

/** Its name is as `CheckpointMember` has it, or the path of something in a member that is a directory. */
export type CollectedMember = PlannedMember | StreamedMember

/** Empty when the checkpoint stays with its container. */
export type Collected = ReadonlyArray<CollectedMember>

export interface TakenFiles {
  readonly documents: Collected
  readonly shm: Collected
  readonly rootfs: Collected
  readonly volumes: Collected
}

export const takeFiles = Effect.fn("checkpoint.takeFiles")(function* (
  plan: Plan,
): Effect.fn.Return<TakenFiles, HostFailure | ImageFailure, AllServices> {
  const { sink } = plan
  const stays = sink._tag === "Container"
  // the container stands still, and with it all that is read here: nothing has to wait for anything else
  return yield* Effect.all(
    {
      status: writeNetworkStatus(plan),
      shm: collectSharedMemory(plan),
      documents: stays ? nothing : collectDocuments(plan, sink.area),
      rootfs: stays || sink.ignoreRootfs ? nothing : collectRootfs(plan, sink.area),
      volumes: stays ? nothing : collectVolumes(plan, sink.area),
    },
    { concurrency: "unbounded" },
  )
})

export const collect = Effect.fn("checkpoint.collect")(function* (
  plan: Plan,
  taking: ReturnType<typeof takeFiles>,
): Effect.fn.Return<Collected, HostFailure | ImageFailure, AllServices> {
  const { paths, sink } = plan
  const spoken = sink._tag === "Container" ? nothing : Effect.andThen(lastWords(plan), collectFiles(plan, sink.area))
  const { files, taken } = yield* Effect.all({ taken: taking, files: spoken }, { concurrency: "unbounded" })
  if (sink._tag === "Container") return []
  const { documents, rootfs, shm, volumes } = taken
  const images = { name: checkpointMembers.images.name, path: paths.checkpoint }
  // documents first: who looks into an archive finds them without reading the memory
  return [...documents, ...files, ...shm, ...rootfs, ...volumes, ...previousImages(plan), images]
})

const nothing = Effect.succeed<Collected>([])

/** What the container has on its networks: with it, it gets the same again. */
const writeNetworkStatus = ({ paths, record }: Plan) =>
  writeAtomic(paths.networkStatus, JSON.stringify(record.state.networkStatus ?? null, undefined, 2))

/** What is needed of a container whose memory alone is taken. */
export const collectMemory = Effect.fn("checkpoint.collectMemory")(function* (
  plan: Plan,
): Effect.fn.Return<Collected, HostFailure, AllServices> {
  const { paths, sink } = plan
  if (sink._tag === "Container") return []
  yield* writeNetworkStatus(plan)
  const documents = yield* collectDocuments(plan, sink.area)
  return [...documents, { name: checkpointMembers.previousImages.name, path: paths.preCheckpoint }]
})

/** Memory of the first round. An archive of the second does without, when one of the first has it. */
const previousImages = ({ options, paths, record, sink }: Plan): Collected =>
  options.phase === "withPrevious" && (sink._tag === "Image" || record.state.preCheckpoint !== "exported")
    ? [{ name: checkpointMembers.previousImages.name, path: paths.preCheckpoint }]
    : []

/** Kept with the container, wherever its checkpoint goes. */
const sharedMemoryArchive = ({ userdata }: ContainerPaths): string => join(userdata, checkpointMembers.shm.name)

/** Give up what is half taken and does not lie with what the sink has. */
export const discardTaken = ({ paths }: Plan) => Effect.ignore(removeTree(sharedMemoryArchive(paths)))

/** The container's own, or its pod's; what is the host's stays there. */
const collectSharedMemory = Effect.fnUntraced(function* ({ paths, record }: Plan) {
  const shm = { name: checkpointMembers.shm.name, path: sharedMemoryArchive(paths) }
  // the last one may have a second name in an image
  yield* removeTree(shm.path)
  if (isHostNamespace(record.config, "ipc")) return []
  yield* packDirectory({ directory: paths.shm, archive: shm.path })
  return [shm]
})

/** Files that go on changing: the log of a container that runs on, statistics that the next dump overwrites. */
const collectFiles = ({ paths }: Plan, area: string) =>
  attempt("copy into", area, async () => {
    const collected: Array<CollectedMember> = []
    for (const [from, name] of [
      [paths.log, checkpointMembers.log.name],
      [join(paths.userdata, checkpointMembers.dumpStatistics.name), checkpointMembers.dumpStatistics.name],
    ] as const) {
      if (!fs.existsSync(from)) continue
      await copyFile(from, join(area, name))
      collected.push({ name, path: join(area, name) })
    }
    return collected
  })

const collectRootfs = Effect.fnUntraced(function* (plan: Plan, area: string) {
  const { paths, record } = plan
  const lower = yield* (yield* RootFilesystems).unpacked(record.config.imageId)
  const { archived, deleted } = yield* rootfsDiff({ upper: paths.upper, lower, merged: paths.merged })
  const collected: Array<CollectedMember> = []
  if (archived.entries.length + archived.trees.length > 0) {
    const { name } = checkpointMembers.rootfsDiff
    collected.push(yield* packed(plan, { name, area, directory: paths.upper, paths: archived }))
  }
  if (deleted.length > 0) collected.push(yield* document(area, checkpointMembers.deletedFiles.name, deleted))
  return collected
})

const collectVolumes = Effect.fnUntraced(function* (plan: Plan, area: string) {
  const layout = yield* Layout
  const { content, shared } = plan.mounts
  return yield* Effect.forEach(content, (volume) =>
    packed(plan, {
      name: volumeMember(volume),
      area,
      directory: layout.volume(volume).data,
      ...(shared.has(volume) ? { others: "may write" } : {}),
    }),
  )
})

interface Packing extends Pick<PackDirectory, "directory" | "paths" | "others"> {
  readonly name: string
  readonly area: string
}

/**
 * A directory as one member. What nobody writes to any more goes straight into an archive while that is written. An image
 * keeps it as a file; and of a container that runs on it is put aside, since that waits for nobody who takes the archive.
 */
const packed = Effect.fnUntraced(function* ({ options, sink }: Plan, { area, name, ...request }: Packing) {
  if (sink._tag === "Archive" && !options.leaveRunning && request.others === undefined) {
    return { name, ...(yield* streamDirectory(request)) } satisfies CollectedMember
  }
  const path = join(area, name)
  yield* makeDirectory(dirname(path))
  yield* packDirectory({ ...request, archive: path })
  return { name, path } satisfies CollectedMember
})

const collectDocuments = Effect.fnUntraced(function* ({ mounts, paths, record }: Plan, area: string) {
  const spec = portableSpec(yield* readSpec(paths), record.config.mounts)
  const image = yield* Effect.option((yield* ImageStore).get(record.config.imageId))
  return [
    yield* document(area, checkpointMembers.spec.name, spec),
    yield* document(
      area,
      checkpointMembers.config.name,
      libpodDocument(record, {
        spec,
        volumes: mounts.volumes,
        ...(Option.isSome(image) ? { imageDigest: image.value.manifestDigest } : {}),
      }),
    ),
    { name: checkpointMembers.networkStatus.name, path: paths.networkStatus },
    ...(yield* collectPod(record, area)),
  ]
})

const collectPod = Effect.fnUntraced(function* (record: ContainerRecord, area: string) {
  const { pod: id } = record.config
  if (id === undefined) return []
  const pod = yield* (yield* Pods).get(id).pipe(Effect.catchTag("PodNotFound", () => Effect.succeed(undefined)))
  if (pod === undefined) return []
  return [
    yield* document(area, checkpointMembers.podOptions.name, podOptions(pod.config, record)),
    yield* document(area, checkpointMembers.podDump.name, podDump(pod.config)),
  ]
})

/** A member with a JSON document, as libpod writes them. */
const document = (area: string, name: string, content: unknown) =>
  attemptSync("write into", area, (): CollectedMember => {
    const path = join(area, name)
    fs.writeFileSync(path, JSON.stringify(content, undefined, 2), { mode: 0o600 })
    return { name, path }
  })
