/**
 * A checkpoint in memory, and the tar archive it is outside of it:
 *
 *   checkpoint/        directory
 *   checkpoint.json    everything there is to know
 *   pages              as many bytes as the container's BALLAST asks for
 *
 * The archive is made and read block by block, so that a test may ask for more pages than fit into memory.
 */
import { pipeline, Readable, type Transform } from "node:stream"
import * as zlib from "node:zlib"
import * as Tar from "effect/encoding/Tar"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { CheckpointInvalid } from "../../failures/CheckpointFailures.ts"
import { ArchiveInvalid } from "../../failures/ImageFailures.ts"
import type { ArchiveCompression } from "../../options/CheckpointOptions.ts"
import type { LogLine } from "../../reports/ContainerReports.ts"
import { collectBytes, type FileNode, type Files, tarInvalid } from "./Files.ts"
import type { MemoryConfig } from "./MemoryHost.ts"
import type { MemoryVolume } from "./MemoryVolumes.ts"
import type { Program } from "./Shell.ts"

export interface Snapshot {
  readonly format: typeof format
  /** Tells one checkpoint from another. */
  readonly key: string
  readonly id: string
  readonly name: string
  readonly config: MemoryConfig
  readonly program: Program
  /** What lies in the root filesystem otherwise than in the image. */
  readonly changed: Files
  readonly deleted: ReadonlyArray<string>
  readonly shm: Files
  /** What the volumes that it mounts were made with, and what they held unless that was left out. */
  readonly volumes: ReadonlyArray<SnapshotVolume>
  /** File systems in memory, by where they are mounted. */
  readonly memory: ReadonlyMap<string, Files>
  readonly log: ReadonlyArray<LogLine>
  readonly startedAt: string
  readonly ballastBytes: number
  /** Only the memory, taken while the container ran on. */
  readonly memoryOnly: boolean
  /** Key of the pre-checkpoint that this one needs. */
  readonly needs?: string
}

export type SnapshotVolume = Pick<MemoryVolume, "name" | "anonymous" | "labels" | "options"> & {
  readonly files?: Files
}

export const format = "cryopod-memory/1"
const document = "checkpoint.json"
const pages = "pages"
const blockBytes = 256 * 1024

/** Maps and bytes as JSON has them. */
const encodeValue = (_: string, value: unknown): unknown => {
  if (value instanceof Map) return { $map: [...value] }
  return value instanceof Uint8Array ? { $bytes: Buffer.from(value).toString("base64") } : value
}

const decodeValue = (_: string, value: unknown): unknown => {
  if (value === null || typeof value !== "object") return value
  if ("$map" in value) return new Map(value.$map as Iterable<readonly [string, FileNode]>)
  return "$bytes" in value && typeof value.$bytes === "string"
    ? new Uint8Array(Buffer.from(value.$bytes, "base64"))
    : value
}

const ballast = (bytes: number): Stream.Stream<Uint8Array> =>
  Stream.unfold(0, (at) => {
    if (at >= bytes) return Effect.undefined
    const block = new Uint8Array(Math.min(blockBytes, bytes - at)).fill((at / blockBytes) & 0xff)
    return Effect.succeed([block, at + block.length] as const)
  }).pipe(Stream.rechunk(1))

/** The archive, block by block. */
export const snapshotTar = (snapshot: Snapshot): Stream.Stream<Uint8Array> => {
  const json = new TextEncoder().encode(JSON.stringify(snapshot, encodeValue, 2))
  return Stream.make(
    Tar.directory("checkpoint/"),
    Tar.file(document, json),
    Tar.fileStream(pages, snapshot.ballastBytes, ballast(snapshot.ballastBytes)),
  ).pipe(Stream.rechunk(1), Stream.pipeThroughChannel(Tar.encode()), Stream.orDie)
}

/** Read an archive to its end. */
export const readSnapshot = <E>(
  bytes: Stream.Stream<Uint8Array, E>,
  source: string,
): Effect.Effect<Snapshot, ArchiveInvalid | CheckpointInvalid | E> =>
  bytes.pipe(
    Stream.pipeThroughChannel(Tar.decode<E>()),
    Stream.runFoldEffect(
      (): Uint8Array | undefined => undefined,
      (found, { body, header }) =>
        header.path === document ? collectBytes(body) : Effect.as(Stream.runDrain(body), found),
    ),
    Effect.mapError((failure) => (Tar.isTarError(failure) ? tarInvalid(source, failure) : failure)),
    Effect.flatMap((json) => {
      const invalid = (problem: string) => Effect.fail(new CheckpointInvalid({ source, member: document, problem }))
      if (json === undefined) return invalid("is missing")
      const parsed = Result.try(() => JSON.parse(new TextDecoder().decode(json), decodeValue) as Snapshot)
      if (Result.isFailure(parsed)) return invalid("is not JSON")
      return parsed.success.format === format ? Effect.succeed(parsed.success) : invalid("is not of this engine")
    }),
  )

const compressors: Readonly<Record<ArchiveCompression, (() => Transform) | undefined>> = {
  none: undefined,
  gzip: () => zlib.createGzip({ level: 1 }),
  zstd: () => zlib.createZstdCompress({ params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } }),
}

export const compressed = <E>(
  bytes: Stream.Stream<Uint8Array, E>,
  compression: ArchiveCompression,
): Stream.Stream<Uint8Array, E> => {
  const make = compressors[compression]
  return make === undefined ? bytes : through(bytes, make, (cause): E => cause as E)
}

/** What was compressed, told by its first bytes, as it was before. */
export const decompressed = <E>(
  bytes: Stream.Stream<Uint8Array, E>,
  archive: string,
): Stream.Stream<Uint8Array, ArchiveInvalid | E> =>
  Stream.suspend(() => {
    const chunks = Stream.toAsyncIterable(bytes)[Symbol.asyncIterator]()
    return Stream.unwrap(
      Effect.map(Effect.tryPromise({ try: () => chunks.next(), catch: (cause) => cause as E }), ({ done, value }) => {
        const head: Uint8Array = done === true ? new Uint8Array() : value
        const whole = Stream.fromAsyncIterable(resumed(head, chunks), (cause) => cause as E)
        const make = decompressorFor(head)
        if (make === undefined) return whole
        return through(whole, make, (cause) =>
          isDamage(cause) ? new ArchiveInvalid({ archive, problem: "compressed data is damaged" }) : (cause as E),
        )
      }),
    )
  })

async function* resumed(head: Uint8Array, chunks: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head
  yield* { [Symbol.asyncIterator]: () => chunks }
}

const isDamage = (cause: unknown) =>
  cause instanceof Error && /^(Z_|ZSTD_|ERR_)/.test((cause as { code?: string }).code ?? "")

/** RFC 1952 and RFC 8878. */
const decompressorFor = (head: Uint8Array): (() => Transform) | undefined => {
  if (head[0] === 0x1f && head[1] === 0x8b) return () => zlib.createGunzip()
  const isZstd = [0x28, 0xb5, 0x2f, 0xfd].every((byte, at) => head[at] === byte)
  return isZstd ? () => zlib.createZstdDecompress() : undefined
}

const through = <E, E2>(
  bytes: Stream.Stream<Uint8Array, E>,
  make: () => Transform,
  onError: (cause: unknown) => E2,
): Stream.Stream<Uint8Array, E2> =>
  Stream.suspend(() =>
    Stream.fromAsyncIterable(
      pipeline(Readable.from(Stream.toAsyncIterable(bytes)), make(), () => undefined) as AsyncIterable<Uint8Array>,
      onError,
    ),
  )
