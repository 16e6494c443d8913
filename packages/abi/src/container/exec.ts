/** Run a program in a running container, by the runtime itself. */
import { spawn, type StdioOptions } from "node:child_process"
import {
  type AttachStreams,
  CommandNotStarted,
  type ContainerFailure,
  ContainerStateImproper,
  type ExecOptions,
} from "@cryopod/entities"
import { complaintOf, type ContainerRecord, execArguments, OciRuntime } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { EngineServices } from "../EngineServices.ts"

/** No lock is held: a program may run for as long as the container does. */
export const exec = Effect.fn("Container.exec")(function* (
  record: ContainerRecord,
  options: ExecOptions,
  streams: AttachStreams | undefined,
): Effect.fn.Return<number, ContainerFailure, EngineServices> {
  const { config, id, state } = record
  if (state.status !== "running")
    return yield* new ContainerStateImproper({ id, state: state.status, operation: "exec" })
  const runtime = yield* OciRuntime
  const path = yield* runtime.path(config.runtime)
  const args = [
    ...runtime.globalArguments(config.runtime),
    ...execArguments(id, {
      terminal: options.tty,
      env: [...config.env, ...options.env],
      workdir: options.workdir || config.workdir,
      user: options.user,
      detach: options.detach,
      pidFile: "",
      capabilities: [],
      command: options.command,
    }),
  ]
  const stdio: StdioOptions = [
    options.interactive ? (streams === undefined ? "inherit" : "pipe") : "ignore",
    ...(options.detach
      ? (["ignore", "pipe"] as const)
      : streams === undefined
        ? (["inherit", "inherit"] as const)
        : (["pipe", "pipe"] as const)),
  ]
  const ended = yield* runProgram({ path, args, stdio, env: runtime.environment }, streams)
  // the runtimes exit with 255 (runc) or 1 (crun) when the program was never started, and only then complain themselves
  const complaint = complaintOf(ended.stderr)
  if (ended.exitCode !== 0 && notStarted.test(complaint)) {
    return yield* new CommandNotStarted({ id, runtime: config.runtime, detail: complaint })
  }
  return ended.exitCode
})

/** How runc and crun say that the program could not be started at all. */
const notStarted =
  /^(exec failed|executable file|open executable|cannot exec)|: executable file .* not found|OCI runtime exec failed|unable to start container process/

interface Program {
  readonly path: string
  readonly args: ReadonlyArray<string>
  readonly stdio: StdioOptions
  readonly env: Readonly<Record<string, string>>
}

const runProgram = (program: Program, streams: AttachStreams | undefined) =>
  Effect.callback<{ readonly exitCode: number; readonly stderr: string }>((resume) => {
    const child = spawn(program.path, program.args, { stdio: program.stdio, env: program.env })
    let stderr = ""
    const fibers: Array<Promise<void>> = []
    const pass = (stream: "stdout" | "stderr") => async (source: NodeJS.ReadableStream | null) => {
      if (source === null) return
      for await (const chunk of source as AsyncIterable<Buffer>) {
        if (stream === "stderr") stderr = (stderr + chunk.toString("utf8")).slice(-4096)
        if (streams !== undefined) await Effect.runPromise(streams.output(stream, chunk))
      }
    }
    fibers.push(pass("stdout")(child.stdout), pass("stderr")(child.stderr))
    if (child.stdin !== null && streams?.input !== undefined) {
      const { stdin } = child
      stdin.on("error", () => undefined)
      void Effect.runPromise(
        Stream.runForEach(streams.input, (chunk) => Effect.sync(() => void stdin.write(chunk))).pipe(
          Effect.andThen(Effect.sync(() => void stdin.end())),
        ),
      )
    }
    child.once("error", () => resume(Effect.succeed({ exitCode: 127, stderr: "" })))
    child.once("close", (code, signal) => {
      void Promise.allSettled(fibers).then(() =>
        resume(Effect.succeed({ exitCode: code ?? (signal === null ? 255 : 137), stderr })),
      )
    })
    return Effect.sync(() => void child.kill("SIGTERM"))
  })
