/**
 * The OCI runtime of a container: runc or crun, one short-lived process per call.
 *
 * Creating and restoring go through conmon, which then keeps the container's standard streams; everything else is a
 * direct call. To stand still and go on takes none where a word to the cgroup does.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import type { ToolFailed, ToolMissing, RuntimeName } from "@cryopod/entities"
import { Layout, lastLines, run, type RunResult, runOk, Tools } from "@cryopod/host"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { freezeCgroup } from "./freezeCgroup.ts"
import { type CheckpointArguments, checkpointArguments } from "./runtimeArguments.ts"

export interface OciRuntimeShape {
  /** Path of the runtime's program. */
  readonly path: (runtime: RuntimeName) => Effect.Effect<string, ToolMissing>
  /** Words before every subcommand: where the runtime keeps its own state. */
  readonly globalArguments: (runtime: RuntimeName) => ReadonlyArray<string>
  /** The environment of the runtime and of everything it starts. */
  readonly environment: Readonly<Record<string, string>>
  readonly start: (runtime: RuntimeName, id: string) => Effect.Effect<void, ToolMissing | ToolFailed>
  /** Send a signal to the main process, or to all processes. */
  readonly kill: (
    runtime: RuntimeName,
    id: string,
    signal: number,
    whom: "main" | "all",
  ) => Effect.Effect<void, ToolMissing | ToolFailed>
  readonly pause: (runtime: RuntimeName, id: string) => Effect.Effect<void, ToolMissing | ToolFailed>
  readonly resume: (runtime: RuntimeName, id: string) => Effect.Effect<void, ToolMissing | ToolFailed>
  /**
   * Forget a container, and kill it if need be. One that the runtime does not know is a success, and takes no process: each
   * runtime has a directory for every container that it knows, and one that has ended with its dump it knows no more.
   */
  readonly delete: (runtime: RuntimeName, id: string) => Effect.Effect<void, ToolMissing>
  /** What the runtime thinks the container does; undefined when it does not know it. */
  readonly status: (runtime: RuntimeName, id: string) => Effect.Effect<string | undefined, ToolMissing>
  /** Host pids of the container's processes. */
  readonly processes: (
    runtime: RuntimeName,
    id: string,
  ) => Effect.Effect<ReadonlyArray<number>, ToolMissing | ToolFailed>
  readonly checkpoint: (
    runtime: RuntimeName,
    id: string,
    options: CheckpointArguments,
  ) => Effect.Effect<RunResult, ToolMissing>
}

export class OciRuntime extends Context.Service<OciRuntime, OciRuntimeShape>()("@cryopod/runtime/OciRuntime") {
  static readonly layer = Layer.effect(
    OciRuntime,
    Effect.gen(function* () {
      return make(yield* Tools, yield* Layout)
    }),
  )
}

const make = (tools: Tools["Service"], layout: Layout["Service"]): OciRuntimeShape => {
  const stateOf = (runtime: RuntimeName) => join(layout.runroot, runtime)
  const globalArguments = (runtime: RuntimeName) => ["--root", stateOf(runtime)]
  const call = Effect.fnUntraced(function* (runtime: RuntimeName, args: ReadonlyArray<string>) {
    const path = yield* tools.path(runtime)
    return yield* run(path, [...globalArguments(runtime), ...args], { env: tools.environment, ownSession: true })
  })
  const callOk = Effect.fnUntraced(function* (runtime: RuntimeName, args: ReadonlyArray<string>) {
    const path = yield* tools.path(runtime)
    return yield* runOk(path, [...globalArguments(runtime), ...args], { env: tools.environment })
  })

  const unlessDone = <E>(attempt: Effect.Effect<boolean>, otherwise: Effect.Effect<unknown, E>) =>
    Effect.flatMap(attempt, (done) => (done ? Effect.void : Effect.asVoid(otherwise)))

  return {
    path: (runtime) => tools.path(runtime),
    globalArguments,
    environment: tools.environment,
    start: (runtime, id) => Effect.asVoid(callOk(runtime, ["start", id])),
    kill: (runtime, id, signal, whom) =>
      Effect.asVoid(callOk(runtime, ["kill", ...(whom === "all" ? ["--all"] : []), id, String(signal)])),
    pause: (runtime, id) => unlessDone(freezeCgroup(id, "freeze"), callOk(runtime, ["pause", id])),
    resume: (runtime, id) => unlessDone(freezeCgroup(id, "thaw"), callOk(runtime, ["resume", id])),
    delete: (runtime, id) =>
      Effect.suspend(() =>
        fs.existsSync(join(stateOf(runtime), id))
          ? Effect.asVoid(call(runtime, ["delete", "--force", id]))
          : Effect.void,
      ),
    status: (runtime, id) =>
      Effect.map(call(runtime, ["state", id]), ({ exitCode, stdout }) =>
        exitCode === 0 ? (JSON.parse(stdout) as { readonly status: string }).status : undefined,
      ),
    processes: (runtime, id) =>
      Effect.map(
        callOk(runtime, ["ps", "--format", "json", id]),
        (text) => (JSON.parse(text) as ReadonlyArray<number> | null) ?? [],
      ),
    checkpoint: (runtime, id, options) => call(runtime, checkpointArguments(runtime, id, options)),
  }
}

/**
 * A runtime's complaint without its wrapping: runc logs `time=… level=error msg="…"`, crun prefixes the time
 * (`2026-11-24T… error: …` or `… : …`).
 */
export const complaintOf = (stderr: string): string => {
  const last = lastLines(stderr, 1)
  const message = /\bmsg="((?:[^"\\]|\\.)*)"/.exec(last)?.[1]
  if (message !== undefined) return message.replaceAll(String.raw`\"`, '"').replaceAll(String.raw`\n`, " ")
  return last.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z?:? */, "")
}
