/** Bundle and root filesystem of a container that is made from a checkpoint. */
import { join } from "node:path"
import { checkpointMembers } from "@cryopod/checkpoint"
import { CheckpointInvalid } from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import { cgroupsPath, type ContainerRecord, hardLimits } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { makeContainerDirectories, writeEngineFiles, writeSpec } from "../container/bundle.ts"
import { mountRootfs } from "../container/start.ts"
import { foreignBinds, importedSpec } from "./importedConfig.ts"
import type { OpenedCheckpoint } from "./open.ts"

/** Succeeds with the directory of CRIU's files. */
export const stage = Effect.fn("restore.stage")(function* (record: ContainerRecord, opened: OpenedCheckpoint) {
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
  return join(opened.members, checkpointMembers.images.name)
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
