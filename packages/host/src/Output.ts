/**
 * A place that takes bytes: a file, complete under its name or not there at all; or a device, a pipe or a descriptor of
 * this process, which takes them as they come.
 *
 * Opening it is the proof that it can be written to. What a killed process leaves beside a file is removed by the next
 * one that writes into the same directory.
 */
import * as fs from "node:fs"
import { dirname, join, resolve } from "node:path"
import type { ArchiveDestination, StorageFailed } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { attempt, attemptSync } from "./Attempt.ts"
import { descriptorOf, isPipe } from "./Descriptor.ts"
import type { FileIdentity } from "./FileIdentity.ts"
import { syncDirectory } from "./Files.ts"
import { isMounted } from "./Mounts.ts"
import { newFile } from "./NewFile.ts"
import { isAbandoned, ownedName } from "./Ownership.ts"

export interface Output {
  /** The directory of a file, whose file system needs the room; absent for whatever is no file. */
  readonly directory?: string
  /** All of a block, which is the caller's again on success. */
  readonly write: (block: Uint8Array) => Effect.Effect<void, StorageFailed>
  /** Nothing more comes: sync, and take the name. Durable on success. Says which file it is; undefined for what is none. */
  readonly complete: Effect.Effect<FileIdentity | undefined, StorageFailed>
  /** Give up what has been written; without effect on a completed file. Happens by itself when the scope closes. */
  readonly discard: Effect.Effect<void>
}

/** The file is for its owner alone. */
export const openOutput = Effect.fn("Output.open")(function* (
  path: string,
): Effect.fn.Return<Output, StorageFailed, Scope.Scope> {
  const target = yield* attemptSync("open", path, () => targetOf(path))
  return yield* target._tag === "File" ? openFile(target.path) : openStream(target)
})

/** Where an archive goes: a file that is whole under its name or not there, or whatever takes its blocks. */
export const openDestination = (destination: ArchiveDestination): Effect.Effect<Output, StorageFailed, Scope.Scope> =>
  destination._tag === "File"
    ? openOutput(destination.path)
    : Effect.succeed({ write: destination.write, complete: Effect.undefined, discard: Effect.void })

type Target =
  | { readonly _tag: "File"; readonly path: string }
  /** `descriptor` when the path names one of this process. */
  | { readonly _tag: "Stream"; readonly path: string; readonly descriptor?: number }

const targetOf = (path: string): Target => {
  const descriptor = descriptorOf(path)
  if (descriptor !== undefined) return { _tag: "Stream", path, descriptor }
  const stat = fs.statSync(path, { throwIfNoEntry: false })
  if (stat?.isDirectory() === true) throw Object.assign(new Error(path), { code: "EISDIR" })
  if (stat !== undefined && !stat.isFile()) return { _tag: "Stream", path }
  // the file that a link leads to is replaced, and not the link
  const file = stat === undefined ? resolve(path) : fs.realpathSync(path)
  // nothing can take the place of a mount point
  if (stat !== undefined && isMounted(file)) throw Object.assign(new Error(path), { code: "EBUSY" })
  return { _tag: "File", path: file }
}

/** Other hosts may use the same directory: of their processes, and of those before a reboot, nothing is known here. */
const halfName = () => `.cryopod-${fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").slice(0, 8)}-`

const openFile = Effect.fnUntraced(function* (path: string) {
  const directory = dirname(path)
  yield* attemptSync("open", path, () => sweep(directory))
  const half = join(directory, `${halfName()}${ownedName()}`)
  const file = yield* Effect.acquireRelease(
    attempt("open", path, () => newFile(half)),
    (opened) => Effect.promise(() => opened.close()),
  )
  // the name goes first when the scope closes
  const discard = Effect.sync(() => fs.rmSync(half, { force: true }))
  yield* Effect.addFinalizer(() => discard)
  const output: Output = {
    directory,
    write: (block) => attempt("write", path, () => file.write(block)),
    complete: Effect.tap(
      attempt("write", path, async () => {
        await file.sync()
        await fs.promises.rename(half, path)
        return file.identity()
      }),
      syncDirectory(directory),
    ),
    discard,
  }
  return output
})

const sweep = (directory: string): void => {
  const prefix = halfName()
  for (const name of fs.readdirSync(directory)) {
    if (name.startsWith(prefix) && isAbandoned(name.slice(prefix.length)))
      fs.rmSync(join(directory, name), { force: true })
  }
}

const openStream = Effect.fnUntraced(function* ({ descriptor, path }: Extract<Target, { readonly _tag: "Stream" }>) {
  const fd = yield* Effect.acquireRelease(opened(path, descriptor), (open) =>
    Effect.sync(() => {
      if (open !== descriptor) fs.closeSync(open)
    }),
  )
  const output: Output = {
    write: (block) =>
      Effect.gen(function* () {
        for (let at = 0; at < block.length;) {
          const written = yield* attempt("write", path, () => writeSome(fd, block.subarray(at)))
          at += written
          // a pipe that is full is asked again; whoever waits here can be interrupted
          if (written === 0) yield* Effect.sleep("2 millis")
        }
      }),
    complete: Effect.undefined,
    discard: Effect.void,
  }
  return output
})

/**
 * Opened anew, a pipe does not make anybody wait whom an interruption could not reach. A socket and a file that the caller
 * has opened are written to as they are.
 */
const opened = (path: string, descriptor: number | undefined) =>
  Effect.suspend(() => {
    if (descriptor !== undefined && !isPipe(descriptor)) return Effect.succeed(descriptor)
    return attemptSync("open", path, () => fs.openSync(path, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK)).pipe(
      // a named pipe that nobody reads yet
      Effect.retry({ while: ({ code }) => code === "ENXIO", schedule: Schedule.spaced("50 millis") }),
    )
  })

/** How many bytes were taken; none when there is no room at the moment. */
const writeSome = (fd: number, bytes: Uint8Array): Promise<number> =>
  new Promise((done, failed) => {
    fs.write(fd, bytes, 0, bytes.length, null, (cause, written) => {
      if (cause === null) done(written)
      else if (cause.code === "EAGAIN") done(0)
      else failed(cause)
    })
  })
