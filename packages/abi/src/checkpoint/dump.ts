/** CRIU takes the processes and their memory. */
import * as fs from "node:fs"
import { join } from "node:path"
import { dumpStatistics, lastError, remedyOf } from "@cryopod/criu"
import { type CriuDumpStatistics, DumpFailed, type StorageFailed, type ToolMissing } from "@cryopod/entities"
import { attemptSync, removeTree } from "@cryopod/host"
import { complaintOf, OciRuntime } from "@cryopod/runtime"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { hasCompleteDump } from "../container/repair.ts"
import type { Plan } from "./preflight.ts"

export interface Dumped {
  /** Time the OCI runtime took. */
  readonly runtimeMicros: number
  readonly statistics: CriuDumpStatistics | null
}

/** An empty directory for the images, and nothing left of what an earlier dump said. */
export const makeRoom = ({ paths }: Plan) =>
  attemptSync("make directory", paths.checkpoint, () => {
    for (const path of [paths.checkpoint, paths.dumpLog]) fs.rmSync(path, { recursive: true, force: true })
    fs.mkdirSync(paths.checkpoint, { mode: 0o700 })
  })

/** When this fails, CRIU has let the processes go on. */
export const dump = Effect.fn("checkpoint.dump")(function* ({
  cgroups,
  options,
  paths,
  record,
}: Plan): Effect.fn.Return<Dumped, DumpFailed | StorageFailed | ToolMissing, OciRuntime> {
  const { config, id } = record
  const began = yield* Clock.currentTimeNanos
  const result = yield* (yield* OciRuntime).checkpoint(config.runtime, id, {
    imagesDirectory: paths.checkpoint,
    workDirectory: paths.userdata,
    leaveRunning: options.leaveRunning,
    tcpEstablished: options.tcpEstablished,
    fileLocks: options.fileLocks,
    cgroups,
  })
  const runtimeMicros = Number(((yield* Clock.currentTimeNanos) - began) / 1000n)
  if (result.exitCode === 0 && (yield* hasCompleteDump(paths))) {
    return { runtimeMicros, statistics: readStatistics(paths.userdata) }
  }
  const log = readLog(paths.dumpLog)
  const remedy = remedyOf(log)
  yield* removeTree(paths.checkpoint)
  return yield* new DumpFailed({
    id,
    runtime: config.runtime,
    exitCode: result.exitCode,
    lastError: lastError(log) || complaintOf(result.stderr),
    logFile: paths.dumpLog,
    ...(remedy === undefined ? {} : { remedy: `${remedy.sentence}: ${remedy.remedy}` }),
  })
})

export const dumpStatisticsFile = "stats-dump"

/** Statistics are a courtesy: a dump without them is a dump. */
const readStatistics = (directory: string) => {
  try {
    return dumpStatistics(fs.readFileSync(join(directory, dumpStatisticsFile)))
  } catch {
    return null
  }
}

const readLog = (path: string) => {
  try {
    return fs.readFileSync(path, "utf8")
  } catch {
    return ""
  }
}
