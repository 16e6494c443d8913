/** Make a container from a checkpoint image and let it go on where it left off. */
import * as fs from "node:fs"
import { join } from "node:path"
import { checkpointMembers, replayDirectory, replayRootfs } from "@cryopod/checkpoint"
import { CheckpointInvalid, type RestoreFailure, type RestoreOptions, type RestoreReport } from "@cryopod/entities"
import { attempt, holdLock, Layout } from "@cryopod/host"
import { ImageStore, type StoredImage } from "@cryopod/images"
import { cgroupsPath, type ContainerRecord, Containers, hardLimits, initialState } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { makeContainerDirectories, writeEngineFiles, writeSpec } from "../container/bundle.ts"
import { erase } from "../container/erase.ts"
import { mountRootfs } from "../container/start.ts"
import type { AllServices } from "../EngineServices.ts"
import { foreignBinds, importedSpec } from "./importedConfig.ts"
import { openImage, type OpenedCheckpoint } from "./open.ts"
import { preflight } from "./preflight.ts"
import { runRestored } from "./run.ts"
import { settleRestored } from "./settle.ts"

export const restoreImage = Effect.fn("restore.image")(function* (
  image: StoredImage,
  source: string,
  options: RestoreOptions,
): Effect.fn.Return<RestoreReport, RestoreFailure, AllServices | Scope.Scope> {
  const opened = yield* openImage(image, source)
  const wanted = yield* preflight(opened, options)
  // whoever finds an unfinished import and gets its lock takes its maker for dead
  yield* holdLock((yield* Layout).container(wanted.config.id).lock)
  const record: ContainerRecord = {
    id: wanted.config.id,
    name: wanted.name,
    config: wanted.config,
    state: { ...initialState, operation: "import" },
  }
  const containers = yield* Containers
  const store = yield* ImageStore
  // with the store's lock held, neither image can go between the look and the record that keeps it
  yield* store.locked(
    Effect.andThen(Effect.all([store.get(image.id), store.get(record.config.imageId)]), containers.insert(record)),
  )
  const running = yield* Effect.gen(function* () {
    yield* stage(record, opened)
    yield* replay(record, opened)
    return yield* runRestored(record, {
      imagesDirectory: join(opened.members, checkpointMembers.images.name),
      tcp: options.tcp,
      fileLocks: options.fileLocks,
    })
  }).pipe(Effect.onError(() => Effect.ignore(erase(record))))
  yield* settleRestored(record, running, options)
  return { Id: record.id, runtime_restore_duration: running.runtimeMicros, criu_statistics: running.statistics }
}, Effect.scoped)

/** Bundle and root filesystem of the new container. */
const stage = Effect.fn("restore.stage")(function* (record: ContainerRecord, opened: OpenedCheckpoint) {
  const paths = (yield* Layout).container(record.id)
  const [foreign] = foreignBinds(opened.spec, paths)
  if (foreign !== undefined) {
    return yield* new CheckpointInvalid({
      source: opened.source,
      member: checkpointMembers.spec.name,
      problem: `wants a directory of this host bound to ${foreign}, which is not restored`,
    })
  }
  yield* makeContainerDirectories(paths)
  yield* writeSpec(
    paths,
    importedSpec(opened.spec, { cgroups: cgroupsPath(record.id), config: clamped(record), paths }),
  )
  yield* writeEngineFiles(paths, record.config, record.name)
  yield* mountRootfs(record)
})

/** No limit above what this process may set. */
const clamped = ({ config }: ContainerRecord) => {
  const ceilings = hardLimits()
  const lower = (type: string, value: number) => Math.min(value, ceilings[type] ?? Number.POSITIVE_INFINITY)
  return {
    ...config,
    rlimits: config.rlimits.map(({ hard, soft, type }) => ({ type, soft: lower(type, soft), hard: lower(type, hard) })),
  }
}

/** Everything that the processes expect to find: changed files, shared memory, the log so far. */
const replay = Effect.fn("restore.replay")(function* (record: ContainerRecord, { members }: OpenedCheckpoint) {
  const paths = (yield* Layout).container(record.id)
  yield* replayRootfs(members, paths.merged)
  const shm = join(members, checkpointMembers.shm.name)
  if (fs.existsSync(shm)) yield* replayDirectory(shm, paths.shm)
  const log = join(members, checkpointMembers.log.name)
  if (fs.existsSync(log)) yield* attempt("copy", paths.log, () => fs.promises.copyFile(log, paths.log))
})
