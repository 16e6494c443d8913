/** A client's terminal on a container: its output there, the client's input here, sizes by another request. */
import { type AttachStreams, type ContainerEngine, ContainerStateImproper, type CreateFailure } from "@cryopod/entities"
import { LibpodApi, RequestInvalid } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Schedule from "effect/Schedule"
import { errorLine, openConnection, untilGone } from "../sessions/Connection.ts"
import type { Runs } from "../sessions/Runs.ts"
import type { Terminals } from "../sessions/Terminals.ts"

/** How often to look whether somebody else has started the container. */
const lookAgain = "250 millis"

export const attachHandlers = (engine: ContainerEngine["Service"], runs: Runs, terminals: Terminals) => ({
  attach: HttpApiBuilder.handler(LibpodApi, "containers", "attach", ({ params, query, upgrade }) =>
    Effect.gen(function* () {
      const { url } = yield* HttpServerRequest.HttpServerRequest
      const stated = query.stdin ?? query.stdout ?? query.stderr
      const wanted = {
        stdin: query.stdin ?? stated === undefined,
        stdout: query.stdout ?? stated === undefined,
        stderr: query.stderr ?? stated === undefined,
      }
      if (!wanted.stdin && !wanted.stdout && !wanted.stderr)
        return yield* new RequestInvalid({
          request: url,
          problem: "at least one of stdin, stdout, stderr must be true",
        })
      if (query.stream === false && query.logs !== true)
        return yield* new RequestInvalid({ request: url, problem: "at least one of Logs or Stream must be set" })

      const { Config: config, Id: id, State: state } = yield* engine.inspect(params.name)
      if (state.Status === "paused")
        return yield* new ContainerStateImproper({ id, state: state.Status, operation: "attach" })
      // whoever wants what was said already wants it of a run that has ended, too
      const ended = query.logs === true && state.Status !== "created"
      // whoever attaches before the start must not miss it: it is listened for before the client hears from us
      const listener = state.Running || ended ? undefined : yield* runs.listen(id)
      const socket = yield* upgrade()
      const connection = yield* Effect.orDie(openConnection(socket, { framed: !config.Tty, input: wanted.stdin }))
      const streams: AttachStreams = {
        output: (stream, content) => (wanted[stream] ? connection.output(stream, content) : Effect.void),
        ...(wanted.stdin ? { input: connection.input } : {}),
        ...(config.Tty ? { resizes: terminals.sizes(id) } : {}),
      }
      const attached = engine.attach(id, streams)
      const heard = Effect.gen(function* () {
        if (listener === undefined) return yield* attached
        yield* listener.hears(streams)
        const run: Effect.Effect<unknown, CreateFailure> = yield* Effect.raceFirst(
          listener.begun,
          Effect.as(startedElsewhere(engine, id, state.StartedAt), attached),
        )
        yield* run
      })
      yield* untilGone(
        connection,
        heard.pipe(Effect.catch((failure) => connection.output("stderr", errorLine(failure)))),
      )
    }),
  ),
  resize: HttpApiBuilder.handler(LibpodApi, "containers", "resize", ({ params, query }) =>
    Effect.gen(function* () {
      const { Id: id } = yield* engine.inspect(params.name)
      yield* terminals.resize(id, sizeOf(query))
      return HttpServerResponse.empty({ status: 200 })
    }),
  ),
  shouldRestart: HttpApiBuilder.handler(LibpodApi, "containers", "shouldRestart", ({ params }) =>
    // a container that removed itself is not there to be started again, and clients ask just then
    Effect.map(engine.inspect(params.name), ({ HostConfig: { RestartPolicy: policy } }) =>
      HttpServerResponse.empty({ status: policy.Name === "no" || policy.Name === "" ? 404 : 204 }),
    ),
  ),
})

/** Rows and columns as a client wrote them, within what a terminal can have. */
export const sizeOf = ({ h = 0, w = 0 }: { readonly h?: number; readonly w?: number }) => ({
  rows: Math.min(Math.max(h, 0), 0xffff),
  columns: Math.min(Math.max(w, 0), 0xffff),
})

const startedElsewhere = (engine: ContainerEngine["Service"], id: string, before: string) =>
  engine.inspect(id).pipe(
    Effect.repeat({
      until: ({ State: state }) => state.Running || state.StartedAt !== before,
      schedule: Schedule.spaced(lookAgain),
    }),
    Effect.asVoid,
  )
