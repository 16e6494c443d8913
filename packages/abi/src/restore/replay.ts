/** Everything that the processes expect to find: changed files, shared memory, the log so far. */
import * as fs from "node:fs"
import { join } from "node:path"
import { checkpointMembers, replayDirectory, replayRootfs } from "@cryopod/checkpoint"
import type { RestoreOptions } from "@cryopod/entities"
import { attempt, Layout } from "@cryopod/host"
import { containerPaths, type ContainerRecord, isHostNamespace, sharesMemory } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type { OpenedCheckpoint } from "./open.ts"

export const replay = Effect.fn("restore.replay")(function* (
  record: ContainerRecord,
  { members }: OpenedCheckpoint,
  { ignoreRootfs }: Pick<RestoreOptions, "ignoreRootfs">,
) {
  const paths = containerPaths(yield* Layout, record.config)
  if (!ignoreRootfs) yield* replayRootfs(members, paths.merged)
  const shm = [paths.userdata, members]
    .map((directory) => join(directory, checkpointMembers.shm.name))
    .find(fs.existsSync)
  if (shm !== undefined) yield* replaySharedMemory(record, shm)
  const log = join(members, checkpointMembers.log.name)
  if (fs.existsSync(log)) yield* attempt("copy", paths.log, () => fs.promises.copyFile(log, paths.log))
})

/** Others of a pod may have moved on with what they share: only what is missing is put back. The host's is not touched. */
export const replaySharedMemory = Effect.fn("restore.replaySharedMemory")(function* (
  { config }: ContainerRecord,
  archive: string,
) {
  if (!fs.existsSync(archive) || isHostNamespace(config, "ipc")) return
  const { shm } = containerPaths(yield* Layout, config)
  yield* replayDirectory(archive, shm, sharesMemory(config) ? "keep" : "replace")
})
