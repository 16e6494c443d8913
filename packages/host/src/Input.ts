/**
 * Bytes of a file, a pipe, a socket or a descriptor of this process, in big blocks.
 *
 * Pipes and sockets are never waited for on the thread pool: a process whose pool is stuck in a read cannot end.
 */
import * as fs from "node:fs"
import * as net from "node:net"
import type { ArchiveSource, StorageFailed } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { attemptSync } from "./Attempt.ts"
import { descriptorOf, isPipe } from "./Descriptor.ts"
import { fileBlocks } from "./FileBlocks.ts"
import { type FileIdentity, identityOf } from "./FileIdentity.ts"

const blockBytes = 1 << 20

/** To be read once, while the scope is open. A block is valid until the second one behind it is asked for. */
export interface Input extends AsyncIterable<Uint8Array> {
  /** As it is now; undefined for what is no file. */
  readonly identity: () => FileIdentity | undefined
}

export const openInput = Effect.fn("Input.open")(function* (
  path: string,
): Effect.fn.Return<Input, StorageFailed, Scope.Scope> {
  const descriptor = descriptorOf(path)
  // whoever has it closes it: this function, the socket, or nobody when it is the caller's
  let owner: "input" | "socket" | "caller" = descriptor === undefined || isPipe(descriptor) ? "input" : "caller"
  const fd = yield* Effect.acquireRelease(
    descriptor !== undefined && owner === "caller"
      ? Effect.succeed(descriptor)
      : attemptSync("open", path, () => opened(path)),
    (open) =>
      Effect.sync(() => {
        if (owner === "input") fs.closeSync(open)
      }),
  )
  const stat = yield* attemptSync("open", path, () => refuseUnreadable(fd, path))
  if (!stat.isFIFO() && !stat.isSocket()) return inputOf(fileBlocks(fd), () => identityOf(fd))
  const first = stat.isFIFO() ? yield* firstBytes(fd, path) : Buffer.alloc(0)
  const socket = yield* Effect.acquireRelease(
    attemptSync("open", path, () => {
      const stream = new net.Socket({ fd, readable: true, writable: false })
      owner = "socket"
      return stream
    }),
    (stream) => Effect.sync(() => stream.destroy()),
  )
  return inputOf(gathered(first, socket))
})

const inputOf = (blocks: AsyncIterator<Uint8Array>, identity: Input["identity"] = () => undefined): Input => ({
  [Symbol.asyncIterator]: () => blocks,
  identity,
})

/** Bytes that somebody else produces, who is told when the scope closes. */
export const streamInput = (
  bytes: Stream.Stream<Uint8Array, StorageFailed>,
): Effect.Effect<Input, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => Stream.toAsyncIterable(bytes)[Symbol.asyncIterator]()),
      (iterator) => Effect.promise(async () => void (await iterator.return?.())),
    ),
    (iterator) => inputOf(iterator),
  )

/** The bytes of an archive, wherever they come from. */
export const openSource = (source: ArchiveSource): Effect.Effect<Input, StorageFailed, Scope.Scope> =>
  source._tag === "File" ? openInput(source.path) : streamInput(source.bytes)

const opened = (path: string): number => {
  const waits = fs.statSync(path).isFIFO() ? fs.constants.O_NONBLOCK : 0
  return fs.openSync(path, fs.constants.O_RDONLY | waits)
}

const refuseUnreadable = (fd: number, path: string): fs.Stats => {
  const stat = fs.fstatSync(fd)
  const refuse = (code: string) => Object.assign(new Error(path), { code })
  if (stat.isDirectory()) throw refuse("EISDIR")
  // a person has no archive to type in
  if (stat.isCharacterDevice() && isTerminal(fd)) throw refuse("EINVAL")
  return stat
}

const isTerminal = (fd: number) => /^\/dev\/(?:tty|pts\/|console)/.test(fs.readlinkSync(`/proc/self/fd/${fd}`))

/**
 * A named pipe without a writer looks like one at its end until the first writer has come. The bytes that were read to
 * find out come first.
 */
const firstBytes = (fd: number, path: string) =>
  attemptSync("read", path, (): Buffer | "nobody" => {
    const buffer = Buffer.allocUnsafe(1 << 16)
    try {
      const length = fs.readSync(fd, buffer)
      // the end of a pipe that this process was given is an end
      return length === 0 && descriptorOf(path) === undefined ? "nobody" : buffer.subarray(0, length)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EAGAIN") throw cause
      return Buffer.alloc(0)
    }
  }).pipe(
    Effect.repeat({ while: (bytes) => bytes === "nobody", schedule: Schedule.spaced("50 millis") }),
    Effect.map((bytes) => (bytes === "nobody" ? Buffer.alloc(0) : bytes)),
  )

/** A pipe gives 64 KiB at a time; put together they cost less on their further way. */
async function* gathered(first: Buffer, socket: net.Socket): AsyncGenerator<Uint8Array, void, void> {
  let block = Buffer.allocUnsafe(blockBytes)
  let other = Buffer.allocUnsafe(blockBytes)
  let filled = first.copy(block)
  for await (const piece of socket as AsyncIterable<Buffer>) {
    for (let at = 0; at < piece.length;) {
      const taken = piece.copy(block, filled, at)
      filled += taken
      at += taken
      if (filled < blockBytes) continue
      yield block
      ;[block, other] = [other, block]
      filled = 0
    }
  }
  if (filled > 0) yield block.subarray(0, filled)
}
