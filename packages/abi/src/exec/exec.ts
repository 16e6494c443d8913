/**
 * `exec`: a program beside those of a running container, as a session of its own.
 *
 *   session (id, directory, process document) → the runtime's exec → its end
 *
 * No lock is held: a program may run for as long as the container does.
 */
import {
  type AttachStreams,
  CommandNotStarted,
  type ContainerFailure,
  ContainerStateImproper,
  type ExecOptions,
} from "@cryopod/entities"
import { Layout } from "@cryopod/host"
import { complaintOf, type ContainerRecord, execArguments, heldCapabilities, OciRuntime } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { readSpec } from "../container/bundle.ts"
import { identityInside } from "../container/identityInside.ts"
import type { EngineServices } from "../EngineServices.ts"
import { execProcess } from "./execProcess.ts"
import { type ExecEnded, type ExecRequest, runAttached } from "./runAttached.ts"
import { runDetached } from "./runDetached.ts"
import { closeSession, openSession, sessionIdFor, type SessionPurpose } from "./sessions.ts"

/** Succeeds with the program's exit code. Without `streams` it gets our own terminal. */
export const exec = Effect.fn("Container.exec")(function* (
  record: ContainerRecord,
  options: ExecOptions & { readonly purpose?: SessionPurpose },
  streams: AttachStreams | undefined,
): Effect.fn.Return<number, ContainerFailure, EngineServices> {
  return yield* Effect.acquireUseRelease(
    prepare(record, options),
    (request) =>
      Effect.flatMap(runAttached(request, { interactive: options.interactive, streams }), (ended) =>
        started(record, ended),
      ),
    ({ paths }) => closeSession(paths),
  )
})

/** Succeeds with the id of the session as soon as its program runs. */
export const execDetached = Effect.fn("Container.execDetached")(function* (
  record: ContainerRecord,
  options: Omit<ExecOptions, "interactive">,
): Effect.fn.Return<string, ContainerFailure, EngineServices> {
  const request = yield* prepare(record, options)
  yield* Effect.flatMap(runDetached(request), (ended) => started(record, ended)).pipe(
    Effect.onError(() => closeSession(request.paths)),
  )
  return request.id
})

const started = ({ config, id }: ContainerRecord, ended: ExecEnded) =>
  ended.started
    ? Effect.succeed(ended.exitCode)
    : Effect.fail(new CommandNotStarted({ id, runtime: config.runtime, detail: complaintOf(ended.complaint) }))

/** Everything that the runtime is told about the program, in the directory of a new session. */
const prepare = Effect.fnUntraced(function* (
  record: ContainerRecord,
  options: Omit<ExecOptions, "interactive"> & { readonly purpose?: SessionPurpose },
) {
  const { config, id, state } = record
  if (state.status !== "running")
    return yield* new ContainerStateImproper({ id, state: state.status, operation: "exec" })
  const runtime = yield* OciRuntime
  const program = yield* runtime.path(config.runtime)
  const containerPaths = (yield* Layout).container(id)
  const spec = yield* readSpec(containerPaths)
  const identity = options.user === "" ? undefined : yield* identityInside(`/proc/${state.pid}/root`, options.user)
  const sessionId = options.session ?? sessionIdFor(options.purpose ?? "user")
  const paths = yield* openSession(
    containerPaths,
    sessionId,
    execProcess(spec.process, options, {
      identity,
      homeGiven: config.env.some((variable) => variable.startsWith("HOME=")),
      held: heldCapabilities(),
    }),
  )
  const command = (detach: boolean) =>
    [
      program,
      ...runtime.globalArguments(config.runtime),
      "--log",
      paths.log,
      ...execArguments(id, { process: paths.process, pidFile: paths.pidFile, detach }),
    ] as const
  return {
    id: sessionId,
    paths,
    command,
    terminal: options.tty,
    environment: runtime.environment,
  } satisfies ExecRequest
})
