/** Recorded output, in frames. */
import { type ContainerEngine, instantOf, type LogLine, OptionInvalid, zeroInstant } from "@cryopod/entities"
import { encodeFrame, LibpodApi, RequestInvalid } from "@cryopod/rest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Stream from "effect/Stream"

export const logHandlers = (engine: ContainerEngine["Service"]) => ({
  logs: HttpApiBuilder.handler(LibpodApi, "containers", "logs", ({ params, query }) =>
    Effect.gen(function* () {
      const wanted = { stdout: query.stdout ?? false, stderr: query.stderr ?? false }
      if (!wanted.stdout && !wanted.stderr) {
        const { url } = yield* HttpServerRequest.HttpServerRequest
        return yield* new RequestInvalid({ request: url, problem: "you must choose at least one stream" })
      }
      const now = yield* Clock.currentTimeMillis
      const since = yield* instantParameter("since", query.since, now)
      const until = yield* instantParameter("until", query.until === "0" ? undefined : query.until, now)
      const tail = yield* tailOf(query.tail)
      // what is not there is refused by status, before the first frame
      yield* engine.inspect(params.name)
      const shown = engine.logs(params.name, { follow: query.follow ?? false, tail }).pipe(
        Stream.takeUntil((line) => until !== undefined && Date.parse(line.timestamp) > until),
        Stream.filter(
          (line) =>
            wanted[line.stream] &&
            (since === undefined || Date.parse(line.timestamp) >= since) &&
            (until === undefined || Date.parse(line.timestamp) <= until),
        ),
      )
      return framed(shown, query.timestamps ?? false).pipe(
        // the status has gone out: what fails now is told in a frame of the service's own
        Stream.catch((failure) => Stream.make(encodeFrame({ stream: "error", content: Buffer.from(failure.message) }))),
      )
    }),
  ),
})

/** A frame for each record; a line that was recorded in pieces gets its time once. */
const framed = <E>(lines: Stream.Stream<LogLine, E>, timestamps: boolean): Stream.Stream<Uint8Array, E> =>
  Stream.suspend(() => {
    const within = { stdout: false, stderr: false }
    return Stream.map(lines, ({ content, partial, stream, timestamp }) => {
      const begins = timestamps && !within[stream]
      within[stream] = partial
      return encodeFrame({
        stream,
        content: begins ? Buffer.concat([Buffer.from(`${timestamp} `), content]) : content,
      })
    })
  })

const instantParameter = (option: string, text: string | undefined, now: number) => {
  if (text === undefined || text === zeroInstant) return Effect.succeed(undefined)
  const instant = instantOf(text, now)
  return instant === undefined
    ? Effect.fail(new OptionInvalid({ option, value: text, problem: "neither an instant nor a duration" }))
    : Effect.succeed(instant)
}

const tailOf = (text: string | undefined) => {
  if (text === undefined || text === "all") return Effect.succeed(-1)
  return /^-?\d{1,9}$/.test(text)
    ? Effect.succeed(Number(text))
    : Effect.fail(new OptionInvalid({ option: "tail", value: text, problem: "not a number of lines" }))
}
