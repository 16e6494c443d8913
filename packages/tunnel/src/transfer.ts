/** Archives on their way: from files of this host into bodies, and from bodies into files of this host. */
import * as fs from "node:fs"
import { compressedBlockBytes, compressLasting, planDirectory, tarBlocks } from "@cryopod/archive"
import {
  type ArchiveCompression,
  type ArchiveDestination,
  type ArchiveSource,
  counted,
  type HostFailure,
  Progress,
  StorageFailed,
} from "@cryopod/entities"
import { attempt, openInput, openOutput, type Output } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { type FailureClass, failureOn, type InstanceOf, readTrailer, reportTrailer } from "@cryopod/rest"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ofTransport, type Remote } from "./Remote.ts"

/** The bytes of an archive as a body; a directory goes as the archive of it. Opening it proves that it can be read. */
export const bodyOf = Effect.fnUntraced(function* (
  source: ArchiveSource,
): Effect.fn.Return<Stream.Stream<Uint8Array, StorageFailed>, StorageFailed, Scope.Scope> {
  if (source._tag === "Stream") return source.bytes
  const { path } = source
  const stat = fs.statSync(path, { throwIfNoEntry: false })
  const plan = stat?.isDirectory() === true ? yield* attempt("read", path, () => planDirectory(path)) : undefined
  const totalBytes = plan?.sizeBytes ?? (stat?.isFile() === true ? stat.size : undefined)
  const listener = yield* Progress
  const blocks = plan === undefined ? yield* openInput(path) : tarBlocks(plan)
  listener?.step({ what: "import", ...(totalBytes === undefined ? {} : { totalBytes }) })
  return Stream.fromAsyncIterable(counted(blocks, listener), (cause) => storageFailed(path, cause)).pipe(
    // the next block takes its place while this one is still on its way
    Stream.map((block) => new Uint8Array(block)),
  )
})

const storageFailed = (path: string, cause: unknown) =>
  cause instanceof StorageFailed
    ? cause
    : new StorageFailed({ operation: "read", path, code: (cause as NodeJS.ErrnoException).code ?? "EIO" })

/** Where an archive goes: a file that is whole under its name or not there, or whatever takes its blocks. */
export const openDestination = (destination: ArchiveDestination): Effect.Effect<Output, StorageFailed, Scope.Scope> =>
  destination._tag === "File"
    ? openOutput(destination.path)
    : Effect.succeed({ write: destination.write, complete: Effect.void, discard: Effect.void })

/** A body compressed on this side, in blocks that are big enough for it. */
export const compressedHere = (body: Body, compression: ArchiveCompression): Body =>
  compression === "none"
    ? body
    : Stream.suspend(() =>
        Stream.fromAsyncIterable(
          compressLasting(inBlocks(Stream.toAsyncIterable(body)), compression),
          (cause) => cause as HttpClientError.HttpClientError,
        ),
      )

async function* inBlocks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let block = Buffer.allocUnsafe(compressedBlockBytes)
  let filled = 0
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const taken = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).copy(block, filled, at)
      filled += taken
      at += taken
      if (filled < block.length) continue
      yield block
      block = Buffer.allocUnsafe(compressedBlockBytes)
      filled = 0
    }
  }
  if (filled > 0) yield block.subarray(0, filled)
}

type Body = Stream.Stream<Uint8Array, HttpClientError.HttpClientError>

/** A body on its way, and the answer it is of. */
export interface Incoming {
  readonly body: Body
  readonly response: HttpClientResponse.HttpClientResponse
}

/**
 * Take a body in, block by block. It is whole when this succeeds, with the report that stood behind it; a failure that
 * stood there is one of these classes.
 */
export const receive = <const Classes extends ReadonlyArray<FailureClass>>(
  remote: Remote,
  { body, response }: Incoming,
  { failures, output }: { readonly output: Output; readonly failures: Classes },
): Effect.Effect<unknown, HostFailure | InstanceOf<Classes[number]>> =>
  Effect.gen(function* () {
    const listener = yield* Progress
    let bytes = 0
    yield* Stream.runForEach(
      Stream.mapError(body, (error) => ofTransport(remote, error)),
      (block) => {
        if (bytes === 0) listener?.step({ what: "export" })
        bytes += block.length
        listener?.reached(bytes)
        return output.write(block)
      },
    )
    const { failure, report } = toldBehind(response)
    if (failure !== undefined) return yield* Effect.fail(failureOn(failures, failure))
    yield* output.complete
    return report
  })

/** What stands behind a body that has been read to its end. */
export const toldBehind = (response: HttpClientResponse.HttpClientResponse) => {
  // Effect's responses know no trailers; Node's message below them does
  const { original = response } = response as { readonly original?: object }
  const { source } = original as { readonly source?: { readonly trailers?: NodeJS.Dict<string> } }
  return readTrailer(source?.trailers?.[reportTrailer])
}

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
