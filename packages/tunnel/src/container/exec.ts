/** Programs beside a container: a session is made, started with a connection, and asked how it ended. */
import {
  type AttachStreams,
  type ContainerFailure,
  containerFailures,
  type ExecOptions,
  OptionInvalid,
} from "@cryopod/entities"
import { failureOn } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import { ask, type Remote } from "../Remote.ts"
import { converse } from "./converse.ts"
import { onContainer } from "./select.ts"

export const exec = Effect.fn("tunnel.exec")(function* (
  remote: Remote,
  ref: string,
  { options, streams }: { readonly options: ExecOptions; readonly streams: AttachStreams | undefined },
): Effect.fn.Return<number, ContainerFailure> {
  const { command, detach, env, interactive, privileged, tty, user, workdir } = options
  const attached = !detach && streams !== undefined
  const input = attached && interactive && streams.input !== undefined
  const badEnv = env.find((variable) => !/^[^=]+=/.test(variable))
  if (badEnv !== undefined)
    return yield* new OptionInvalid({ option: "env", value: badEnv, problem: "must be key=value" })
  const { Id: id } = yield* onContainer(ref, (params) =>
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
  )
  const params = { id }
  if (!attached) {
    yield* ask(remote, remote.exec.start({ params, payload: { Detach: true } }))
    return 0
  }
  yield* Effect.scoped(
    Effect.gen(function* () {
      const started = yield* ask(
        remote,
        remote.exec.start({ params, payload: { Detach: false, Tty: tty, failures: "inspect" } }),
      )
      if (!HttpApiClient.isUpgraded(started)) return
      yield* converse(remote, {
        socket: started.socket,
        streams: input ? streams : withoutInput(streams),
        terminal: tty,
        resize: ({ columns, rows }) => remote.exec.resize({ params, query: { h: rows, w: columns, running: true } }),
      })
    }),
  )
  const { ExitCode: code, failure } = yield* ask(remote, remote.exec.inspect({ params }))
  return failure === undefined ? code : yield* Effect.fail(failureOn(containerFailures, failure))
})

const withoutInput = ({ input: _, ...streams }: AttachStreams): AttachStreams => streams
