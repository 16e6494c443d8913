/** What a service tells of an image on its way: lines of progress, and at last the end or the failure. */
import { type ImageFailure, imageFailures } from "@cryopod/entities"
import { failureOn } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { ask, type Remote, textOnly } from "../Remote.ts"

interface Line {
  readonly id?: string
  readonly error?: string
  readonly failure?: unknown
}

/** The last line; a failure under status 200 is one, too. */
export const lastLine = <L extends Line>(
  remote: Remote,
  lines: Stream.Stream<L, HttpClientError.HttpClientError | Schema.SchemaError>,
): Effect.Effect<L | undefined, ImageFailure> =>
  Effect.flatMap(
    ask(
      remote,
      Stream.runFold(
        lines,
        () => undefined as L | undefined,
        (_, line) => line,
      ),
    ),
    (last) => {
      if (last?.failure !== undefined) return Effect.fail(failureOn(imageFailures, last.failure))
      return last?.error === undefined ? Effect.succeed(last) : Effect.fail(textOnly(last.error, 500))
    },
  )
