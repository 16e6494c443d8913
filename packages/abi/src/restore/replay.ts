/** Everything that the processes expect to find: changed files, shared memory, the log so far. */
import * as fs from "node:fs"
import { join } from "node:path"
import { checkpointMembers, type MemberDirectory, replayDirectory, replayRootfs } from "@cryopod/checkpoint"
import type { RestoreOptions } from "@cryopod/entities"
import { attempt, copyFile, Layout } from "@cryopod/host"
import { containerPaths, type ContainerRecord, isHostNamespace, sharesMemory } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type { OpenedCheckpoint } from "./open.ts"

export const replay = Effect.fn("restore.replay")(function* (
  record: ContainerRecord,
  { members, source }: OpenedCheckpoint,
  { ignoreRootfs }: Pick<RestoreOptions, "ignoreRootfs">,
) {
  const paths = containerPaths(yield* Layout, record.config)
  if (!ignoreRootfs) yield* replayRootfs({ members, source }, paths.merged)
  // it may have moved into the bundle, from where a restore in place reads it again
  const holder = [paths.userdata, members].find((directory) =>
    fs.existsSync(join(directory, checkpointMembers.shm.name)),
  )
  if (holder !== undefined) yield* replaySharedMemory(record, { members: holder, source })
  const log = join(members, checkpointMembers.log.name)
  if (fs.existsSync(log)) yield* attempt("copy", paths.log, () => copyFile(log, paths.log))
})

/** Others of a pod may have moved on with what they share: only what is missing is put back. The host's is not touched. */
export const replaySharedMemory = Effect.fn("restore.replaySharedMemory")(function* (
  { config }: ContainerRecord,
  checkpoint: MemberDirectory,
) {
  const member = checkpointMembers.shm.name
  if (!fs.existsSync(join(checkpoint.members, member)) || isHostNamespace(config, "ipc")) return
  const { shm } = containerPaths(yield* Layout, config)
  yield* replayDirectory({ ...checkpoint, member }, shm, sharesMemory(config) ? "keep" : "replace")
})
