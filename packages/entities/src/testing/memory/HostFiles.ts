/** Archives that have a path: the only thing of an engine in memory that is not in memory. */
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { StorageFailed } from "../../failures/HostFailures.ts"
import type { ArchiveSource } from "../../ImageEngine.ts"

const failed = (operation: string, path: string) => (cause: unknown) =>
  new StorageFailed({ operation, path, code: (cause as { readonly code?: string }).code ?? "EIO" })

const attempt = <A>(operation: string, path: string, work: () => A): Effect.Effect<A, StorageFailed> =>
  Effect.try({ try: work, catch: failed(operation, path) })

/** A file that is complete under its name or not there; opened now, written block by block, named at the end. */
export const fileTarget = (path: string) =>
  Effect.gen(function* () {
    const temporary = `${path}.tmp-${randomBytes(5).toString("hex")}`
    const descriptor = yield* Effect.acquireRelease(
      attempt("write", path, () => fs.openSync(temporary, "wx", 0o600)),
      (open) =>
        Effect.sync(() => {
          fs.closeSync(open)
          fs.rmSync(temporary, { force: true })
        }),
    )
    return {
      write: (block: Uint8Array) => attempt("write", path, () => void fs.writeSync(descriptor, block)),
      finish: attempt("write", path, () => {
        fs.fsyncSync(descriptor)
        fs.renameSync(temporary, path)
      }),
    }
  })

export const writeFile = (path: string, bytes: Stream.Stream<Uint8Array>): Effect.Effect<void, StorageFailed> =>
  Effect.scoped(
    Effect.gen(function* () {
      const target = yield* fileTarget(path)
      yield* Stream.runForEach(bytes, target.write)
      yield* target.finish
    }),
  )

/** Bytes of an archive, wherever it is. */
export const bytesOf = (source: ArchiveSource): Stream.Stream<Uint8Array, StorageFailed> =>
  source._tag === "Stream"
    ? source.bytes
    : Stream.fromAsyncIterable(
        {
          [Symbol.asyncIterator]: () =>
            fs.createReadStream(source.path, { highWaterMark: 1 << 18 })[Symbol.asyncIterator](),
        },
        failed("open", source.path),
      )

/** Name of an archive in failures. */
export const nameOf = (source: ArchiveSource): string => (source._tag === "File" ? source.path : "standard input")

/** A directory made new with these files. */
export const writeDirectory = (
  path: string,
  files: ReadonlyArray<readonly [name: string, content: Uint8Array]>,
): Effect.Effect<void, StorageFailed> =>
  attempt("write", path, () => {
    for (const [name, content] of files) {
      fs.mkdirSync(dirname(join(path, name)), { recursive: true })
      fs.writeFileSync(join(path, name), content)
    }
  })

/** The regular files below a directory; absent when the path is none. */
export const readDirectory = (
  path: string,
): Effect.Effect<ReadonlyMap<string, Uint8Array> | undefined, StorageFailed> =>
  attempt("open", path, () => {
    if (!fs.statSync(path).isDirectory()) return undefined
    const names = fs.readdirSync(path, { recursive: true, encoding: "utf8" })
    const files = names.filter((name) => fs.statSync(join(path, name)).isFile())
    return new Map(files.map((name) => [name, new Uint8Array(fs.readFileSync(join(path, name)))] as const))
  })

/** Whether a login file names a registry with this login (containers-auth.json.5). */
export const loginIn = (path: string, registry: string): Effect.Effect<string | undefined, StorageFailed> =>
  attempt("read", path, () => {
    const { auths = {} } = JSON.parse(fs.readFileSync(path, "utf8")) as {
      readonly auths?: Readonly<Record<string, { readonly auth?: string }>>
    }
    return Buffer.from(auths[registry]?.auth ?? "", "base64").toString("utf8")
  })
