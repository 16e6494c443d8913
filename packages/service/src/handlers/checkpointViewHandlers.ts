/** Looks into checkpoints. */
import {
  CheckpointEngine,
  type CheckpointSource,
  type CheckpointTarget,
  type CheckpointViewFailure,
  insistedRuntime,
  type MemorySearch,
  type MemorySearchFlags,
  OptionInvalid,
  optionValues,
  RestoreFlags,
  restoreRequest,
} from "@cryopod/entities"
import { encodeMemory, LibpodApi } from "@cryopod/rest"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Stream from "effect/Stream"
import { bodyArchive } from "../bodyArchive.ts"
import { exportStream } from "../exportStream.ts"
import { checkpointOf } from "./checkpointHandlers.ts"

const named = (ref: string): CheckpointSource => ({ _tag: "Named", ref })
const body = <E>(bytes: Stream.Stream<Uint8Array, E>): CheckpointSource => ({
  _tag: "Archive",
  archive: bodyArchive(bytes),
})

export const checkpointViewHandlers = HttpApiBuilder.group(LibpodApi, "checkpoints", (handlers) =>
  Effect.gen(function* () {
    const engine = yield* CheckpointEngine
    const scope = yield* Effect.scope
    /** What is wrong before the first piece is a failure with its status. */
    const answered = (pieces: Stream.Stream<Uint8Array, CheckpointViewFailure>) =>
      exportStream(scope, ({ write }) => Stream.runForEach(pieces, write))
    const searching = (source: CheckpointSource, query: Partial<MemorySearchFlags>) =>
      Effect.flatMap(searchOf(query), (wanted) =>
        answered(Stream.map(engine.search(source, wanted), (found) => Buffer.from(`${JSON.stringify(found)}\n`))),
      )
    const reading = (source: CheckpointSource, pid = 0) =>
      answered(Stream.map(engine.memory(source, { pid }), encodeMemory))
    const checking = Effect.fnUntraced(function* (
      source: CheckpointSource,
      { runtime, ...query }: Partial<RestoreFlags> & { readonly runtime?: string },
    ) {
      const { options } = yield* Effect.fromResult(restoreRequest(optionValues(RestoreFlags, query), [anyName]))
      return yield* engine.check(source, { ...options, ...(yield* Effect.fromResult(insistedRuntime(runtime))) })
    })
    const flags = ({ environment = false }: { readonly environment?: boolean }) => ({ environment })
    return handlers.handleAll({
      list: ({ query }) => engine.list(query.directories ?? []),
      inspect: ({ params, query }) => engine.inspect(named(params.name), flags(query)),
      inspectArchive: ({ payload, query }) => engine.inspect(body(payload), flags(query)),
      check: ({ params, query }) => checking(named(params.name), query),
      checkArchive: ({ payload, query }) => checking(body(payload), query),
      plan: ({ params, query }) =>
        Effect.flatMap(checkpointOf(params.name, query), ({ options }) =>
          engine.plan(params.name, { ...options, target: leaving(options.target) }),
        ),
      diff: ({ params, query }) =>
        Effect.gen(function* () {
          if (query.with === undefined)
            return yield* new OptionInvalid({ option: "with", value: "", problem: "name the other checkpoint" })
          const options = { ...flags(query), unchanged: query.unchanged ?? false }
          return yield* engine.diff(named(params.name), named(query.with), options)
        }),
      search: ({ params, query }) => searching(named(params.name), query),
      searchArchive: ({ payload, query }) => searching(body(payload), query),
      memory: ({ params, query }) => reading(named(params.name), query.pid),
      memoryOfArchive: ({ payload, query }) => reading(body(payload), query.pid),
    })
  }),
)

/** An archive would leave as the body of an answer; where the client puts it the client looks at. */
const leaving = (target: CheckpointTarget): CheckpointTarget =>
  target._tag === "Archive" ? { ...target, destination: { _tag: "Stream", write: () => Effect.void } } : target

/** Options are read as those of a restore, which is of something. */
const anyName = "archive"

const searchOf = ({
  context = 0,
  pid = 0,
  search = "",
  searchRegex = "",
}: Partial<MemorySearchFlags>): Effect.Effect<MemorySearch, OptionInvalid> => {
  const invalid = (option: string, value: string, problem: string) =>
    Effect.fail(new OptionInvalid({ option, value, problem }))
  if ((search === "") === (searchRegex === "")) return invalid("search", search, "give either a text or an expression")
  if (context < 0) return invalid("context", String(context), "cannot be negative")
  return Effect.succeed({
    ...(pid > 0 ? { pid } : {}),
    pattern: search === "" ? { _tag: "Expression", pattern: searchRegex } : { _tag: "Text", pattern: search },
    contextBytes: context,
  })
}
