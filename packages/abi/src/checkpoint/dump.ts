/** CRIU takes the processes and their memory. */
import * as fs from "node:fs"
import { join } from "node:path"
import { inventory, parentLink } from "@cryopod/checkpoint"
import { dumpStatistics, explanationOf, pagesNumber } from "@cryopod/criu"
import { type CriuDumpStatistics, DumpFailed, type StorageFailed, type ToolMissing } from "@cryopod/entities"
import { attemptSync, type ContainerPaths, type Layout, measured, readOr, removeTree, type Tools } from "@cryopod/host"
import { complaintOf, OciRuntime, treeResidentBytes } from "@cryopod/runtime"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { cpuinfoFile, hostCpuinfo } from "../compatibility/hostCpu.ts"
import { hasCompleteDump } from "../container/repair.ts"
import type { Plan } from "./preflight.ts"

export interface Dumped {
  /** Time the OCI runtime took, the pause before it included: the container stands still. */
  readonly runtimeMicros: number
  readonly statistics: CriuDumpStatistics | null
}

/** Where CRIU writes. */
export const imagesOf = ({ options, paths }: Plan): string =>
  options.phase === "preCheckpoint" ? paths.preCheckpoint : paths.checkpoint

/** An empty directory for the images, and nothing left of what an earlier dump said. */
export const makeRoom = (plan: Plan) =>
  attemptSync("make directory", imagesOf(plan), () => {
    for (const path of [imagesOf(plan), plan.paths.dumpLog]) fs.rmSync(path, { recursive: true, force: true })
    fs.mkdirSync(imagesOf(plan), { mode: 0o700 })
  })

/** When this fails, CRIU has let the processes go on. */
export const dump = Effect.fn("checkpoint.dump")(function* (
  plan: Plan,
  /** Nanoseconds. */
  frozenSince: bigint,
): Effect.fn.Return<Dumped, DumpFailed | StorageFailed | ToolMissing, OciRuntime | Layout | Tools> {
  const { cgroups, options, paths, record } = plan
  const { config, id } = record
  const dumping = (yield* OciRuntime).checkpoint(config.runtime, id, {
    imagesDirectory: imagesOf(plan),
    workDirectory: paths.userdata,
    leaveRunning: options.leaveRunning,
    tcpEstablished: options.tcpEstablished,
    fileLocks: options.fileLocks,
    cgroups,
    preDump: options.phase === "preCheckpoint",
    ...(options.phase === "withPrevious" ? { parentPath: parentLink.target } : {}),
  })
  const result = yield* measured(dumping, {
    step: () => ({ what: "dump", totalBytes: treeResidentBytes(record.state.pid) }),
    reached: () => pagesBytes(imagesOf(plan)),
  })
  const runtimeMicros = Number(((yield* Clock.currentTimeNanos) - frozenSince) / 1000n)
  const complete = options.phase === "preCheckpoint" ? hasPreCheckpoint(paths) : yield* hasCompleteDump(paths)
  if (result.exitCode === 0 && complete) {
    yield* keepParentRelative(plan)
    if (options.phase !== "preCheckpoint") yield* tellProcessor(paths.checkpoint)
    return { runtimeMicros, statistics: readStatistics(paths.userdata) }
  }
  const explanation = explanationOf(readOr(paths.dumpLog, ""))
  yield* removeTree(imagesOf(plan))
  return yield* new DumpFailed({
    id,
    runtime: config.runtime,
    exitCode: result.exitCode,
    ...explanation,
    errorLine: explanation.errorLine || complaintOf(result.stderr),
    logFile: paths.dumpLog,
  })
})

/** What of the memory is written so far. */
const pagesBytes = (directory: string): number =>
  fs
    .readdirSync(directory)
    .filter((name) => pagesNumber(name) !== undefined)
    .reduce((sum, name) => sum + fs.statSync(join(directory, name)).size, 0)

/** CRIU writes it last. */
export const hasPreCheckpoint = (paths: ContainerPaths): boolean => fs.existsSync(join(paths.preCheckpoint, inventory))

/** A checkpoint moves into archives and images, and what it builds on beside it. */
const keepParentRelative = ({ options, paths }: Plan) =>
  attemptSync("link", paths.checkpoint, () => {
    if (options.phase !== "withPrevious") return
    const link = join(paths.userdata, parentLink.name)
    fs.rmSync(link, { force: true })
    fs.symlinkSync(parentLink.target, link)
  })

/** What the processes were using, for whoever asks elsewhere whether they would thaw there. A dump without it is a dump. */
const tellProcessor = Effect.fnUntraced(function* (imagesDirectory: string) {
  const cpuinfo = yield* hostCpuinfo()
  if (cpuinfo === undefined) return
  yield* Effect.ignore(
    attemptSync("copy into", imagesDirectory, () => fs.copyFileSync(cpuinfo, join(imagesDirectory, cpuinfoFile))),
  )
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
