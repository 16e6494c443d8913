/** Programs beside a container: a session is made, started with a connection, and asked how it ended. */
import { type AttachStreams, type ContainerFailure, containerFailures, type ExecOptions } from "@cryopod/entities"
import { failureOn } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import { ask, type Remote } from "../Remote.ts"
import { converse } from "./converse.ts"
import { onContainer } from "./select.ts"

/** Succeeds with the id of the session. */
const createSession = (
  remote: Remote,
  ref: string,
  {
    attached,
    detach = false,
    input,
    options: { command, env, privileged, tty, user, workdir },
  }: {
    readonly options: Omit<ExecOptions, "interactive">
    readonly attached: boolean
    readonly input: boolean
    readonly detach?: boolean
  },
): Effect.Effect<string, ContainerFailure> =>
  Effect.map(
    onContainer(ref, (params) =>
      ask(
        remote,
        remote.exec.create({
          params,
          payload: {
            Cmd: command,
            AttachStdin: input,
            AttachStdout: attached,
            AttachStderr: attached,
            Detach: detach,
            Env: env,
            Privileged: privileged,
            Tty: tty,
            User: user,
            WorkingDir: workdir,
          },
        }),
      ),
    ),
    ({ Id: id }) => id,
  )

export const execDetached = Effect.fn("tunnel.execDetached")(function* (
  remote: Remote,
  ref: string,
  options: Omit<ExecOptions, "interactive">,
): Effect.fn.Return<string, ContainerFailure> {
  const id = yield* createSession(remote, ref, { options, attached: false, input: false, detach: true })
  yield* ask(remote, remote.exec.start({ params: { id }, payload: { Detach: true } }))
  return id
})

export const exec = Effect.fn("tunnel.exec")(function* (
  remote: Remote,
  ref: string,
  { options, streams }: { readonly options: ExecOptions; readonly streams: AttachStreams },
): Effect.fn.Return<number, ContainerFailure> {
  const { interactive, tty } = options
  const input = interactive && streams.input !== undefined
  const params = { id: yield* createSession(remote, ref, { options, attached: true, input }) }
  yield* Effect.scoped(
    Effect.gen(function* () {
      const started = yield* ask(
        remote,
        remote.exec.start({ params, payload: { Detach: false, Tty: tty, failures: "inspect" } }),
      )
      if (!HttpApiClient.isUpgraded(started)) return
      const heard = yield* converse(remote, {
        socket: started.socket,
        streams: input ? streams : withoutInput(streams),
        terminal: tty,
        resize: ({ columns, rows }) => remote.exec.resize({ params, query: { h: rows, w: columns, running: true } }),
      })
      yield* heard
    }),
  )
  const { ExitCode: code, failure } = yield* ask(remote, remote.exec.inspect({ params }))
  return failure === undefined ? code : yield* Effect.fail(failureOn(containerFailures, failure))
})

const withoutInput = ({ input: _, ...streams }: AttachStreams): AttachStreams => streams
