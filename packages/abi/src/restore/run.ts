/** CRIU brings the processes back, under conmon. */
import * as fs from "node:fs"
import { join } from "node:path"
import { explanationOf, restoreStatistics } from "@cryopod/criu"
import {
  type ContainerNotFound,
  type CriuRestoreOptions,
  type CriuRestoreStatistics,
  FileLocksRefused,
  type HostFailure,
  type IpcObjectTaken,
  RestoreFailed,
  type TcpConnections,
} from "@cryopod/entities"
import { attemptSync, Layout, makeDirectory, readOr, Tools } from "@cryopod/host"
import {
  Conmon,
  type ContainerRecord,
  hasPlacedNetwork,
  needsLoopback,
  restoreArguments,
  unlockPackets,
  withLoopback,
} from "@cryopod/runtime"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { readSpec, writeCriuConfiguration, writeSpec } from "../container/bundle.ts"
import { runningState } from "../container/repair.ts"
import type { EngineServices } from "../EngineServices.ts"
import { hiddenDirectories } from "./hiddenDirectories.ts"
import { fittedImages } from "./fittedImages.ts"

export interface RunRequest {
  /** CRIU's files; read, never written. */
  readonly imagesDirectory: string
  /** Whether namespaces that the container joins are those that it was dumped in. */
  readonly namespaces: "same" | "other"
  readonly tcp: TcpConnections
  readonly fileLocks: boolean
  /** What CRIU is told beyond that. */
  readonly needs: CriuRestoreOptions
  /** Descriptors of its published ports, for conmon to keep. */
  readonly sockets: ReadonlyArray<number>
}

export interface Running {
  readonly state: ReturnType<typeof runningState>
  /** Time the OCI runtime took, conmon's start included. */
  readonly runtimeMicros: number
  readonly statistics: CriuRestoreStatistics | null
}

/** The root filesystem is mounted and holds everything that the processes had open. */
export const runRestored = Effect.fn("restore.run")(function* (
  record: ContainerRecord,
  request: RunRequest,
): Effect.fn.Return<
  Running,
  RestoreFailed | FileLocksRefused | IpcObjectTaken | ContainerNotFound | HostFailure,
  EngineServices | Scope.Scope
> {
  const { config, id } = record
  const paths = (yield* Layout).container(id)
  const imagesDirectory = yield* fittedImages(record, request)
  if (!request.fileLocks && (yield* hasFileLocks(imagesDirectory))) return yield* new FileLocksRefused({ id })
  const hidden = config.runtime === "crun" ? yield* hiddenDirectories(imagesDirectory) : []
  const empty = join(paths.userdata, "empty")
  if (hidden.length > 0) yield* makeDirectory(empty, 0o555)
  yield* writeCriuConfiguration(paths, config.runtime, {
    tcp: request.tcp,
    cgroups: "ignore",
    criu: request.needs,
    external: hidden.map((key) => ({ key, path: empty })),
  })
  if (needsLoopback(config)) {
    const { environment } = yield* Tools
    yield* writeSpec(paths, withLoopback(yield* readSpec(paths), environment["PATH"] ?? ""))
  }
  const began = yield* Clock.currentTimeNanos
  const { conmonPid, pid } = yield* (yield* Conmon)
    .launch(record, {
      restore: { imagesDirectory, runtimeArguments: restoreArguments(config.runtime, request) },
      sockets: request.sockets,
    })
    .pipe(
      Effect.catchTag("CommandNotStarted", ({ detail }) =>
        Effect.fail(restoreFailed(record, detail, paths.restoreLog)),
      ),
    )
  const runtimeMicros = Number(((yield* Clock.currentTimeNanos) - began) / 1000n)
  // CRIU has done so by itself, as long as it knows the chain by the same name
  if (request.tcp !== "close" && hasPlacedNetwork(config)) yield* unlockPackets(paths.networkNamespace)
  return { state: runningState(pid, conmonPid), runtimeMicros, statistics: readStatistics(paths.userdata) }
}, Effect.scoped)

/** CRIU writes this file when it was told to dump locks and there were some (CRIU `file-lock.c`, dump_file_locks). */
const hasFileLocks = (imagesDirectory: string) =>
  attemptSync("look at", imagesDirectory, () => fs.existsSync(join(imagesDirectory, "filelocks.img")))

const restoreFailed = ({ config, id }: ContainerRecord, runtimeError: string, logFile: string) =>
  new RestoreFailed({ id, runtime: config.runtime, runtimeError, ...explanationOf(readOr(logFile, "")), logFile })

export const restoreStatisticsFile = "stats-restore"

const readStatistics = (directory: string) => {
  try {
    return restoreStatistics(fs.readFileSync(join(directory, restoreStatisticsFile)))
  } catch {
    return null
  }
}
