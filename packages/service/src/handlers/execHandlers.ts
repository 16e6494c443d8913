/** Programs in running containers. */
import {
  ContainerEngine,
  type ContainerFailure,
  ContainerStateImproper,
  type ExecOptions,
  OptionInvalid,
} from "@cryopod/entities"
import { type ExecConfig, type ExecInspect, LibpodApi, toWire } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Result from "effect/Result"
import { errorLine, openConnection, untilGone } from "../sessions/Connection.ts"
import { type ExecSession, makeExecSessions } from "../sessions/ExecSessions.ts"
import type { Terminals } from "../sessions/Terminals.ts"
import { sizeOf } from "./attachHandlers.ts"

export const execHandlers = (terminals: Terminals) =>
  HttpApiBuilder.group(LibpodApi, "exec", (handlers) =>
    Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const scope = yield* Effect.scope
      const sessions = makeExecSessions()

      /** Runs the session's program; its end or its failure is kept for those who ask. */
      const run = (session: ExecSession, work: Effect.Effect<number, ContainerFailure>) =>
        Effect.gen(function* () {
          session.state = "running"
          const result = yield* Effect.result(work)
          session.state = "ended"
          if (Result.isSuccess(result)) session.exitCode = result.success
          else {
            session.failure = result.failure
            session.exitCode = result.failure._tag === "CommandNotStarted" ? result.failure.exitStatus : -1
          }
          return result
        }).pipe(Effect.onInterrupt(() => Effect.sync(() => Object.assign(session, { state: "ended", exitCode: -1 }))))

      return handlers.handleAll({
        create: ({ params, payload }) =>
          Effect.gen(function* () {
            const { Id: containerId, State: state } = yield* engine.inspect(params.name)
            const options = yield* Effect.fromResult(execOptionsOf(payload))
            if (state.Status !== "running")
              return yield* new ContainerStateImproper({ id: containerId, state: state.Status, operation: "exec" })
            const session = yield* sessions.create({
              containerId,
              options,
              wanted: {
                stdin: payload.AttachStdin ?? false,
                stdout: payload.AttachStdout ?? false,
                stderr: payload.AttachStderr ?? false,
              },
            })
            return { Id: session.id }
          }),
        start: ({ params, payload, upgrade }) =>
          Effect.gen(function* () {
            const session = yield* sessions.get(params.id)
            const { containerId, options, wanted } = session
            if (session.state !== "created")
              return yield* new OptionInvalid({
                option: "id",
                value: session.id,
                problem: "the session was started before",
              })
            if (payload.Detach === true) {
              const started = yield* run(
                session,
                Effect.as(engine.execDetached(containerId, { ...options, session: session.id }), 0),
              )
              return Result.isFailure(started) ? yield* Effect.fail(started.failure) : "\n"
            }
            if (payload.h !== undefined || payload.w !== undefined) {
              yield* terminals.resize(session.id, sizeOf(payload))
            }
            session.state = "running"
            const connection = yield* Effect.orDie(
              openConnection(yield* upgrade(), { framed: !options.tty, input: wanted.stdin }),
            )
            yield* untilGone(
              connection,
              run(
                session,
                engine.exec(
                  containerId,
                  { ...options, interactive: wanted.stdin, session: session.id },
                  {
                    output: (stream, content) => (wanted[stream] ? connection.output(stream, content) : Effect.void),
                    ...(wanted.stdin ? { input: connection.input } : {}),
                    ...(options.tty ? { resizes: terminals.sizes(session.id) } : {}),
                  },
                ),
              ).pipe(
                Effect.tap((result) =>
                  Result.isFailure(result) && payload.failures !== "inspect"
                    ? connection.output("stderr", errorLine(result.failure))
                    : Effect.void,
                ),
              ),
            )
            yield* terminals.forget(session.id)
            yield* forgetLater(sessions.remove(session.id)).pipe(Effect.forkIn(scope))
          }),
        inspect: ({ params }) => Effect.map(sessions.get(params.id), documentOf),
        resize: ({ params, query }) =>
          Effect.gen(function* () {
            const { id } = yield* sessions.get(params.id)
            yield* terminals.resize(id, sizeOf(query))
            return HttpServerResponse.empty({ status: 201 })
          }),
        remove: ({ params }) =>
          Effect.gen(function* () {
            const { id } = yield* sessions.get(params.id)
            yield* sessions.remove(id)
            return HttpServerResponse.empty({ status: 200 })
          }),
      })
    }),
  )

/** libpod keeps ended sessions for five minutes (containers.conf `exit_command_delay`). */
const forgetLater = (work: Effect.Effect<void>) => Effect.delay(work, "5 minutes")

const execOptionsOf = (config: ExecConfig): Result.Result<ExecOptions, OptionInvalid> => {
  const [program, ...words] = config.Cmd
  const badEnv = config.Env?.find((variable) => !/^[^=]+=/.test(variable))
  if (program === undefined)
    return Result.fail(new OptionInvalid({ option: "Cmd", value: "", problem: "must provide a non-empty command" }))
  if (badEnv !== undefined)
    return Result.fail(new OptionInvalid({ option: "env", value: badEnv, problem: "must be key=value" }))
  return Result.succeed({
    command: [program, ...words],
    env: config.Env ?? [],
    interactive: config.AttachStdin ?? false,
    tty: config.Tty ?? false,
    user: config.User ?? "",
    workdir: config.WorkingDir ?? "",
    privileged: config.Privileged ?? false,
  })
}

const documentOf = (session: ExecSession): ExecInspect => {
  const [entrypoint, ...words] = session.options.command
  return {
    ID: session.id,
    ContainerID: session.containerId,
    CanRemove: session.state === "ended",
    DetachKeys: "",
    ExitCode: session.exitCode,
    OpenStdin: session.wanted.stdin,
    OpenStdout: session.wanted.stdout,
    OpenStderr: session.wanted.stderr,
    Running: session.state === "running",
    Pid: 0,
    ProcessConfig: {
      arguments: words,
      entrypoint,
      privileged: session.options.privileged,
      tty: session.options.tty,
      user: session.options.user,
    },
    ...(session.failure === undefined ? {} : { failure: toWire(session.failure) }),
  }
}
