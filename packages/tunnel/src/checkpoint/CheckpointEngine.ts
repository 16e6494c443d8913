/** Checkpoints of another host: what has a name there is asked for by it, an archive of this host goes as the body. */
import {
  checkedOptions,
  type CheckpointEngineShape,
  type CheckpointSource,
  type CheckpointViewFailure,
  checkpointViewFailures,
  ContainerNotFound,
  MemoryFinding,
  type MemoryPiece,
  type MemorySearch,
  NoSuchContainerOrImage,
  NotSupported,
  OptionConflict,
} from "@cryopod/entities"
import { failureOn, MemoryFrames, statusOfFailure } from "@cryopod/rest"
import { openDestination } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { checkpointQuery } from "../container/checkpoint.ts"
import { restoreQuery } from "../container/restore.ts"
import { ask, insisting, isPathName, ofTransport, onlyOurs, type Remote, textOnly } from "../Remote.ts"
import { bodyOf, calledBy, toldBehind } from "../transfer.ts"

const what = { "looking into checkpoints": true }

export const checkpointEngine = (remote: Remote): CheckpointEngineShape => ({
  inspect: (source, query) =>
    asked(remote, source, {
      named: (params) => ask(remote, remote.checkpoints.inspect({ params, query })),
      archive: (payload) => ask(remote, remote.checkpoints.inspectArchive({ query, payload })),
    }),
  list: (directories) =>
    Effect.andThen(
      onlyOurs(remote, what),
      ask(remote, remote.checkpoints.list({ query: directories.length === 0 ? {} : { directories } })),
    ),
  check: (source, options) => {
    const all = restoreQuery(insisting(remote, options))
    const query = Object.fromEntries(
      [...checkedOptions, "runtime"].flatMap((name) => (name in all ? [[name, all[name as keyof typeof all]]] : [])),
    )
    return asked(remote, source, {
      named: (params) => textOfConflict(ask(remote, remote.checkpoints.check({ params, query }))),
      archive: (payload) => textOfConflict(ask(remote, remote.checkpoints.checkArchive({ query, payload }))),
    })
  },
  plan: (ref, options) =>
    Effect.scoped(
      Effect.gen(function* () {
        yield* onlyOurs(remote, { "saying what a checkpoint would be": true })
        if (!isPathName(ref)) return yield* new ContainerNotFound({ ref })
        const { target } = options
        const params = { name: ref }
        const base = checkpointQuery(options)
        const plan = (more: Partial<Parameters<typeof remote.checkpoints.plan>[0]["query"]>) =>
          textOfConflict(ask(remote, remote.checkpoints.plan({ params, query: { ...base, ...more } })))
        if (target._tag !== "Archive") return yield* plan(target._tag === "Image" ? { createImage: target.name } : {})
        const { compression: compress, destination, ignoreRootfs, ignoreVolumes } = target
        // the service cannot see where its archive would go
        yield* openDestination(destination)
        const found = yield* plan({ export: true, compress, ignoreRootfs, ignoreVolumes })
        return destination._tag === "File" ? { ...found, destination: destination.path } : found
      }),
    ),
  diff: Effect.fnUntraced(function* (before, after, options) {
    yield* onlyOurs(remote, what)
    if (before._tag === "Archive" || after._tag === "Archive")
      return yield* new NotSupported({ what: "comparing archives of this host" })
    if (!isPathName(before.ref)) return yield* new NoSuchContainerOrImage({ ref: before.ref })
    const query = { ...options, with: after.ref }
    return yield* ask(remote, remote.checkpoints.diff({ params: { name: before.ref }, query }))
  }),
  search: (source, wanted) => {
    const query = searchQuery(wanted)
    const responseMode = "decoded-and-response" as const
    return incoming(
      remote,
      asked(remote, source, {
        named: (params) => ask(remote, remote.checkpoints.search({ params, query, responseMode })),
        archive: (payload) => ask(remote, remote.checkpoints.searchArchive({ query, payload, responseMode })),
      }),
      (body) =>
        body.pipe(
          Stream.decodeText(),
          Stream.splitLines,
          Stream.map((line) => decodeFinding(line)),
        ),
    )
  },
  memory: (source, query) => {
    const responseMode = "decoded-and-response" as const
    return incoming(
      remote,
      asked(remote, source, {
        named: (params) => ask(remote, remote.checkpoints.memory({ params, query, responseMode })),
        archive: (payload) => ask(remote, remote.checkpoints.memoryOfArchive({ query, payload, responseMode })),
      }),
      (body) =>
        Stream.suspend(() => {
          const frames = new MemoryFrames()
          return Stream.flatMap(body, (bytes) => Stream.fromIterable<MemoryPiece>(frames.take(bytes)))
        }),
    )
  },
})

/** Options that do not go together were refused on this side. */
const textOfConflict = <A, E, R>(call: Effect.Effect<A, E | OptionConflict, R>) =>
  Effect.mapError(call, (failure) =>
    failure instanceof OptionConflict ? textOnly(failure.message, statusOfFailure(failure)) : failure,
  )

const decodeFinding = Schema.decodeUnknownSync(Schema.fromJsonString(MemoryFinding))

interface Calls<A> {
  readonly named: (params: { readonly name: string }) => Effect.Effect<A, CheckpointViewFailure>
  readonly archive: (
    payload: Stream.Stream<Uint8Array, CheckpointViewFailure>,
  ) => Effect.Effect<A, CheckpointViewFailure, Scope.Scope>
}

const asked = <A>(
  remote: Remote,
  source: CheckpointSource,
  calls: Calls<A>,
): Effect.Effect<A, CheckpointViewFailure> => {
  if (source._tag === "Named") {
    const { ref } = source
    const call = isPathName(ref) ? calls.named({ name: ref }) : Effect.fail(new NoSuchContainerOrImage({ ref }))
    return Effect.andThen(onlyOurs(remote, what), call)
  }
  const { archive } = source
  return Effect.andThen(onlyOurs(remote, what), Effect.flatMap(bodyOf(archive), calls.archive)).pipe(
    Effect.scoped,
    calledBy(archive),
  )
}

type Answer = readonly [
  body: Stream.Stream<Uint8Array, HttpClientError.HttpClientError>,
  response: HttpClientResponse.HttpClientResponse,
]

/** What comes in a body, and behind it what went wrong after it had begun. */
const incoming = <A>(
  remote: Remote,
  answer: Effect.Effect<Answer, CheckpointViewFailure>,
  read: (body: Stream.Stream<Uint8Array, CheckpointViewFailure>) => Stream.Stream<A, CheckpointViewFailure>,
): Stream.Stream<A, CheckpointViewFailure> =>
  Stream.unwrap(
    Effect.map(answer, ([body, response]) => {
      const end = Stream.suspend(() => {
        const { failure } = toldBehind(response)
        return failure === undefined ? Stream.empty : Stream.fail(failureOn(checkpointViewFailures, failure))
      })
      const bytes = Stream.mapError(body, (error): CheckpointViewFailure => ofTransport(remote, error))
      return Stream.concat(read(bytes), end)
    }),
  )

const searchQuery = ({ contextBytes, pattern, pid }: MemorySearch) => ({
  context: contextBytes,
  ...(pid === undefined ? {} : { pid }),
  ...(pattern._tag === "Text" ? { search: pattern.pattern } : { searchRegex: pattern.pattern }),
})
