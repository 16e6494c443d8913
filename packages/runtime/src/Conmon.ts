/**
 * conmon: the small process that outlives us, holds the container's standard streams, writes its log and its exit
 * code, and calls us back when it has ended.
 *
 * Sources: conmon 2.1 `docs/conmon.8.md`; the sync pipe carries one JSON line, `{"data": n}` with API version 1 (`pid`
 * with 0) or `{"data": -1, "message": …}` (`src/parent_pipe_fd.c`).
 */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { type Duplex } from "node:stream"
import { CommandNotStarted, type StorageFailed, type ToolMissing } from "@cryopod/entities"
import { attemptSync, Layout, type LayoutShape, Tools } from "@cryopod/host"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ContainerRecord } from "./ContainerRecord.ts"
import { complaintOf, OciRuntime } from "./OciRuntime.ts"
import { unlessAttended } from "./unlessAttended.ts"

export interface Started {
  /** Main process of the container. */
  readonly pid: number
  readonly conmonPid: number
}

export interface RestoreFrom {
  readonly imagesDirectory: string
  /** Words for the runtime's `restore`. */
  readonly runtimeArguments: ReadonlyArray<string>
}

export interface LaunchOptions {
  readonly restore?: RestoreFrom
  /** Descriptors that conmon keeps open for as long as the container runs. */
  readonly sockets?: ReadonlyArray<number>
}

export interface ConmonShape {
  /**
   * Create the container's process, or restore it when `restore` says from where. A created one waits for the
   * runtime's `start`; a restored one runs. Fails with the runtime's own words when it could not.
   */
  readonly launch: (
    record: ContainerRecord,
    options?: LaunchOptions,
  ) => Effect.Effect<Started, CommandNotStarted | ToolMissing | StorageFailed>
}

export class Conmon extends Context.Service<Conmon, ConmonShape>()("@cryopod/runtime/Conmon") {
  /** `exitCommand` is run with the container's id behind it whenever a container has ended, but for ends that are attended. */
  static readonly layer = (exitCommand: ReadonlyArray<string>) =>
    Layer.effect(
      Conmon,
      Effect.gen(function* () {
        return make(exitCommand, yield* Tools, yield* Layout, yield* OciRuntime)
      }),
    )
}

const make = (
  exitCommand: ReadonlyArray<string>,
  tools: Tools["Service"],
  layout: LayoutShape,
  runtime: OciRuntime["Service"],
): ConmonShape => ({
  launch: Effect.fn("Conmon.launch")(function* (record, { restore, sockets = [] } = {}) {
    const { config, id } = record
    const paths = layout.container(id)
    const conmon = yield* tools.path("conmon")
    const runtimePath = yield* runtime.path(config.runtime)
    yield* attemptSync("prepare", paths.run, () => {
      for (const directory of [paths.run, layout.exits]) fs.mkdirSync(directory, { recursive: true, mode: 0o700 })
      fs.writeFileSync(paths.logStart, String(fs.statSync(paths.log, { throwIfNoEntry: false })?.size ?? 0))
      for (const file of [paths.exitFile, paths.pidFile, paths.conmonPidFile, paths.attended])
        fs.rmSync(file, { force: true })
    })
    const args = [
      ["--api-version", "1"],
      ["-c", id, "-u", id, "-n", record.name],
      ["-r", runtimePath, "-b", paths.userdata, "-p", paths.pidFile, "-P", paths.conmonPidFile],
      ["-l", `k8s-file:${paths.log}`, "--log-level", "error", "--full-attach"],
      ["--exit-dir", layout.exits],
      ...runtime.globalArguments(config.runtime).map((word) => ["--runtime-arg", word]),
      config.terminal ? ["-t"] : [],
      config.openStdin ? ["-i"] : [],
      ...(restore === undefined
        ? []
        : [["--restore", restore.imagesDirectory], ...restore.runtimeArguments.map((word) => ["--runtime-opt", word])]),
      ...(exitCommand.length === 0
        ? []
        : [
            ["--exit-command", "/bin/sh"],
            ...["-c", unlessAttended, paths.attended, ...exitCommand, id].map((word) => ["--exit-command-arg", word]),
          ]),
    ].flat()
    const answer = yield* spawnConmon(conmon, args, { environment: tools.environment, sockets })
    if (answer.pid > 0) {
      const conmonPid = yield* attemptSync("read", paths.conmonPidFile, () =>
        Number(fs.readFileSync(paths.conmonPidFile, "utf8")),
      )
      return { pid: answer.pid, conmonPid }
    }
    return yield* new CommandNotStarted({
      id,
      runtime: config.runtime,
      detail: complaintOf(answer.message === "" ? "the runtime gave no reason" : answer.message),
    })
  }),
})

interface Answer {
  readonly pid: number
  readonly message: string
}

/**
 * Start conmon and wait for its word on the container. conmon leaves us with a double fork; what we keep are the two
 * pipes. The process that we know ends when it has written down the one that stays, which may be after that one's
 * word. Interrupting drops them, upon which conmon gives up before the container has begun.
 */
const spawnConmon = (
  path: string,
  args: ReadonlyArray<string>,
  {
    environment,
    sockets,
  }: { readonly environment: Readonly<Record<string, string>>; readonly sockets: ReadonlyArray<number> },
): Effect.Effect<Answer> =>
  Effect.callback((resume) => {
    const child = spawn(path, args, {
      stdio: ["ignore", "ignore", "pipe", "pipe", "pipe", ...sockets],
      env: { ...environment, _OCI_SYNCPIPE: "3", _OCI_STARTPIPE: "4" },
      detached: true,
    })
    let said = ""
    let complaint = ""
    const sync = child.stdio[3] as Duplex
    const start = child.stdio[4] as Duplex
    let answered = false
    let left = false
    const settle = () => {
      if (!answered || !left) return
      child.stderr?.destroy()
      sync.destroy()
      start.destroy()
      child.unref()
      resume(Effect.succeed(answerOf(said, complaint)))
    }
    const hear = () => {
      answered = true
      settle()
    }
    const leave = () => {
      left = true
      settle()
    }
    child.stderr?.on("data", (chunk: Buffer) => {
      complaint = (complaint + chunk.toString("utf8")).slice(-4096)
    })
    sync.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8")
      if (said.includes("\n")) hear()
    })
    sync.once("end", hear)
    child.once("exit", leave)
    child.once("error", leave)
    start.on("error", () => undefined)
    // conmon waits for one byte before it starts the runtime, so that its cgroup could be set first
    start.write("\0")
    return Effect.sync(() => {
      sync.destroy()
      start.destroy()
    })
  })

const answerOf = (said: string, complaint: string): Answer => {
  const line = said.split("\n", 1)[0] ?? ""
  try {
    const {
      data,
      message = "",
      pid,
    } = JSON.parse(line) as Partial<Record<"data" | "pid", number>> & { readonly message?: string }
    return { pid: data ?? pid ?? -1, message: message === "" ? complaint : message }
  } catch {
    return { pid: -1, message: complaint }
  }
}
