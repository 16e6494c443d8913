/** Archives on their way: from files of this host into bodies, and from bodies into files of this host. */
import * as fs from "node:fs"
import type { IncomingMessage } from "node:http"
import { compressedBlockBytes, compressLasting, underWay, planDirectory, tarBlocks } from "@cryopod/archive"
import {
  type ArchiveCompression,
  type ArchiveSource,
  counted,
  type FailureClass,
  type HostFailure,
  Progress,
  StorageFailed,
} from "@cryopod/entities"
import { attempt, openInput, type Output } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { failureOn, type InstanceOf, readTrailer, reportTrailer } from "@cryopod/rest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ofBody, type Remote } from "./Remote.ts"

/** The bytes of an archive as a body; a directory goes as the archive of it. Opening it proves that it can be read. */
export const bodyOf = Effect.fnUntraced(function* (
  source: ArchiveSource,
): Effect.fn.Return<Stream.Stream<Uint8Array, StorageFailed>, StorageFailed, Scope.Scope> {
  if (source._tag === "Stream") return source.bytes
  const { path } = source
  const stat = fs.statSync(path, { throwIfNoEntry: false })
  const plan = stat?.isDirectory() === true ? yield* attempt("read", path, () => planDirectory(path)) : undefined
  const totalBytes = plan?.sizeBytes ?? (stat?.isFile() === true ? stat.size : undefined)
  const blocks = counted(plan === undefined ? yield* openInput(path) : tarBlocks(plan), yield* Progress, {
    what: "import",
    ...(totalBytes === undefined ? {} : { totalBytes }),
  })
  return Stream.fromAsyncIterable(blocks, (cause) => storageFailed(path, cause)).pipe(
    // the next block takes its place while this one is still on its way
    Stream.map((block) => new Uint8Array(block)),
  )
})

const storageFailed = (path: string, cause: unknown) =>
  cause instanceof StorageFailed
    ? cause
    : new StorageFailed({ operation: "read", path, code: (cause as NodeJS.ErrnoException).code ?? "EIO" })

/**
 * Take the body of an answer in. It is whole when this succeeds, with the report that stood behind it; a failure that stood
 * there is one of these classes. Compressed here, it goes out in blocks that are big enough for that.
 */
export const receive = <const Classes extends ReadonlyArray<FailureClass>>(
  remote: Remote,
  response: HttpClientResponse.HttpClientResponse,
  { compression = "none", failures, output }: Receiving<Classes>,
): Effect.Effect<unknown, HostFailure | InstanceOf<Classes[number]>> =>
  Effect.gen(function* () {
    const message = messageOf(response)
    const pieces = counted<Buffer>(message, yield* Progress, { what: "export" })
    const blocks =
      compression === "none"
        ? gathered(pieces, { blockBytes, lasting: 1 })
        : compressLasting(gathered(pieces, { blockBytes: compressedBlockBytes, lasting: underWay }), compression)
    const next = Effect.tryPromise({ try: () => blocks.next(), catch: (cause) => ofBody(remote, cause) })
    yield* Effect.gen(function* () {
      for (let block = yield* next; block.done !== true; block = yield* next) yield* output.write(block.value)
    }).pipe(
      // nobody reads the rest of it
      Effect.onError(() => Effect.sync(() => message.destroy())),
    )
    const { failure, report } = toldBehind(response)
    if (failure !== undefined) return yield* Effect.fail(failureOn(failures, failure))
    yield* output.complete
    return report
  })

interface Receiving<Classes> {
  readonly output: Output
  readonly failures: Classes
  readonly compression?: ArchiveCompression
}

/** What a block costs on its way is the same for a big one. */
const blockBytes = 1 << 20

interface Gathering {
  readonly blockBytes: number
  /** A block is valid until so many more have been asked for. */
  readonly lasting: number
}

/** A network gives 64 KiB at a time; put together they cost less on their further way. */
async function* gathered(
  pieces: AsyncIterable<Buffer>,
  { blockBytes: size, lasting }: Gathering,
): AsyncGenerator<Uint8Array, void, void> {
  const ring = Array.from({ length: lasting }, () => Buffer.allocUnsafeSlow(size))
  let turn = 0
  let filled = 0
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const taken = piece.copy(ring[turn] as Buffer, filled, at)
      filled += taken
      at += taken
      if (filled < size) continue
      yield ring[turn] as Buffer
      turn = (turn + 1) % lasting
      filled = 0
    }
  }
  if (filled > 0) yield (ring[turn] as Buffer).subarray(0, filled)
}

/** Node's message below a response of Effect's, which knows neither trailers nor bytes without a stream around them. */
const messageOf = (response: HttpClientResponse.HttpClientResponse): IncomingMessage => {
  const { original = response } = response as { readonly original?: object }
  return (original as { readonly source: IncomingMessage }).source
}

/** What stands behind a body that has been read to its end. */
export const toldBehind = (response: HttpClientResponse.HttpClientResponse) =>
  readTrailer(messageOf(response).trailers[reportTrailer])

/** What an engine calls an archive that comes to it as a stream. */
const streamNames = new Set(["archive", "standard input"])

/** Failures about an archive name it as the caller does. */
export const calledBy =
  (source: ArchiveSource) =>
  <A, E extends object, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    source._tag === "Stream" ? work : Effect.mapError(work, (failure) => renamed(failure, source.path))

const renamed = <E extends object>(failure: E, path: string): E => {
  const fields = { ...failure } as Readonly<Record<string, unknown>>
  const named = ["archive", "source", "ref"].filter((field) => streamNames.has(String(fields[field])))
  if (named.length === 0) return failure
  const { constructor } = failure as { readonly constructor: new (fields: unknown) => E }
  return new constructor({ ...fields, ...Object.fromEntries(named.map((field) => [field, path])) })
}
