/** A build as libpod tells of it: a line of JSON for what is said, and at last the id or the error. */
import { BuildFlags, type ImageEngine, NotSupported, OptionInvalid, optionValues, pairTexts } from "@cryopod/entities"
import { type BuildProgress, toWire } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { bodyArchive } from "../bodyArchive.ts"

/** What the query says, under the names of the options. */
interface BuildQuery extends Partial<Omit<BuildFlags, "file" | "buildArg" | "label">> {
  readonly file?: string
  readonly buildArg?: Pairs
  readonly label?: Pairs
  readonly contextDirectory?: string
  readonly remote?: string
  readonly platform?: ReadonlyArray<string>
}

type Pairs = ReadonlyArray<string> | Readonly<Record<string, string>>

/** A client that goes away gives the build up. */
export const buildStream = Effect.fnUntraced(function* <E>(
  engine: ImageEngine["Service"],
  { buildArg = [], contextDirectory, file = "", label = [], platform = [], remote, ...query }: BuildQuery,
  payload: Stream.Stream<Uint8Array, E>,
) {
  if (remote !== undefined)
    return yield* new OptionInvalid({ option: "remote", value: remote, problem: "the context is the body" })
  if (platform.length > 0) return yield* new NotSupported({ what: `images of another platform (${platform.join()})` })
  const flags = optionValues(BuildFlags, {
    ...query,
    file: yield* Effect.fromResult(filesIn(file)),
    buildArg: wordsOf(buildArg),
    label: wordsOf(label),
  })
  const context = {
    ...bodyArchive(payload),
    ...(contextDirectory === undefined ? {} : { name: contextDirectory }),
  }
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  return Stream.callback<BuildProgress>(
    (queue) =>
      engine
        .build(context, {
          ...flags,
          output: (stream, content) => {
            const text = decoders[stream].decode(content, { stream: true })
            // a line without a word is none to `podman --remote`
            return text === "" ? Effect.void : Queue.offer(queue, { stream: text })
          },
        })
        .pipe(
          Effect.match({
            onSuccess: (id) => ({ stream: `${id}\n` }),
            onFailure: (failure) => ({
              error: failure.message,
              errorDetail: { message: failure.message },
              failure: toWire(failure),
            }),
          }),
          Effect.flatMap((last) => Queue.offer(queue, last)),
          Effect.andThen(Queue.end(queue)),
        ),
    { bufferSize: 1 },
  )
})

const wordsOf = (pairs: Pairs): ReadonlyArray<string> => (isList(pairs) ? pairs : pairTexts(pairs))

const isList = (pairs: Pairs): pairs is ReadonlyArray<string> => Array.isArray(pairs)

/** One path, or a JSON list of them, as `podman --remote` sends it. */
const filesIn = (text: string): Result.Result<ReadonlyArray<string>, OptionInvalid> => {
  if (!text.startsWith("[")) return Result.succeed(text === "" ? [] : [text])
  return Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Array(Schema.String)))(text).pipe(
    Result.mapError(
      () => new OptionInvalid({ option: "dockerfile", value: text, problem: "is no JSON list of paths" }),
    ),
  )
}
