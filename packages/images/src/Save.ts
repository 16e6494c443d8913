/** Images into files: complete under their name or not there. */
import * as fs from "node:fs"
import { dirname, join, resolve } from "node:path"
import { planDirectory, tarBlocks } from "@cryopod/archive"
import { type ArchiveDestination, OptionInvalid, StorageFailed } from "@cryopod/entities"
import { attempt, attemptSync, copyFile, fileBlocks, removeTree, syncDirectory, temporaryBeside } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { type ExportFailure, exportLayout } from "./ExportLayout.ts"
import { ImageStore } from "./ImageStore.ts"
import { ociForm } from "./LayerForms.ts"
import { type CopyFailure, Transport } from "./Transport.ts"

export const saveFormats = ["docker-archive", "oci-archive", "oci-dir"] as const
export type SaveFormat = (typeof saveFormats)[number]

export interface SaveOptions {
  /** File or directory to make, or what takes the bytes of an archive. */
  readonly destination: ArchiveDestination
  readonly format: SaveFormat
  /** Name of the image inside; none when absent. */
  readonly name?: string
  /** Permissions of the file, or of the directory's files. */
  readonly mode: number
}

export type SaveFailure = OptionInvalid | ExportFailure | CopyFailure

/** Write an image out. A directory is made new; a file takes the place of one that is there. */
export const saveImage = Effect.fn("saveImage")(function* (
  imageId: string,
  options: SaveOptions,
): Effect.fn.Return<void, SaveFailure, ImageStore | Transport> {
  const { destination, format } = options
  const output = destination._tag === "File" ? resolve(destination.path) : undefined
  if (output === undefined && format === "oci-dir") {
    return yield* new OptionInvalid({ option: "output", value: "", problem: "a directory needs a path" })
  }
  if (output !== undefined) yield* refuseEarly(output, format)
  yield* Effect.scoped(
    Effect.gen(function* () {
      const store = yield* ImageStore
      const area = yield* store.area
      const layout = yield* exportLayout(imageId, {
        form: format === "docker-archive" ? "plain" : ociForm(yield* store.get(imageId)),
        ...(options.name === undefined ? {} : { ref: options.name }),
      })
      if (output !== undefined && format === "oci-dir") return yield* copyTree(layout, output, options.mode)
      const archive = join(area, "archive")
      if (format === "docker-archive") yield* dockerArchive(layout, archive, options)
      const blocks: Blocks =
        format === "docker-archive"
          ? async () => fileBlocks(archive)
          : async () => tarBlocks(await planDirectory(layout))
      if (destination._tag === "Stream") return yield* toStream(destination.write, blocks)
      if (format !== "docker-archive") yield* writeFile(archive, blocks)
      yield* deliver(archive, resolve(destination.path), options.mode)
    }),
  )
})

/** What cannot be written is known before anything is produced. */
const refuseEarly = (output: string, format: SaveFormat) =>
  Effect.gen(function* () {
    yield* attemptSync("write to", dirname(output), () => fs.accessSync(dirname(output), fs.constants.W_OK))
    const there = fs.statSync(output, { throwIfNoEntry: false })
    if (there === undefined || (format !== "oci-dir" && !there.isDirectory())) return
    const isEmpty = there.isDirectory() && fs.readdirSync(output).length === 0
    if (format === "oci-dir" && isEmpty) return
    return yield* new StorageFailed({
      operation: "save to",
      path: output,
      code: there.isDirectory() && format !== "oci-dir" ? "EISDIR" : "EEXIST",
    })
  })

const dockerArchive = Effect.fnUntraced(function* (layout: string, archive: string, options: SaveOptions) {
  yield* (yield* Transport).copy({
    operation: "save",
    ref: options.destination._tag === "File" ? options.destination.path : (options.name ?? "a stream"),
    from: { _tag: "Path", transport: "oci", path: layout },
    to: {
      _tag: "Path",
      transport: "docker-archive",
      path: archive,
      ...(options.name === undefined ? {} : { ref: options.name }),
    },
    preserveDigests: false,
  })
})

type Blocks = () => Promise<AsyncIterable<Uint8Array>>

const writeFile = (path: string, blocks: Blocks) =>
  attempt("write", path, async (signal) => {
    const handle = await fs.promises.open(path, "wx", 0o600)
    try {
      for await (const block of await blocks()) {
        signal.throwIfAborted()
        await handle.writeFile(block)
      }
    } finally {
      await handle.close()
    }
  })

/** Blocks are used again after they were handed over: each is taken before the next is asked for. */
const toStream = (write: (block: Uint8Array) => Effect.Effect<void, StorageFailed>, blocks: Blocks) =>
  Effect.acquireUseRelease(
    attempt("read", "image", async () => (await blocks())[Symbol.asyncIterator]()),
    (iterator) =>
      attempt("read", "image", () => iterator.next()).pipe(
        Effect.tap(({ done, value }) => (done === true ? Effect.void : write(value as Uint8Array))),
        Effect.repeat({ until: ({ done }) => done === true }),
      ),
    // what was not read to its end is closed
    (iterator) => Effect.promise(async () => void (await iterator.return?.())),
  )

/** Give a finished file its name; across file systems it is copied under a temporary name first. */
const deliver = Effect.fnUntraced(function* (archive: string, output: string, mode: number) {
  yield* attempt("write", output, async () => {
    const temporary = temporaryBeside(output)
    try {
      const near = await fs.promises.rename(archive, temporary).then(
        () => true,
        () => false,
      )
      if (!near) await copyFile(archive, temporary)
      const handle = await fs.promises.open(temporary, "r+")
      try {
        await handle.chmod(mode)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await fs.promises.rename(temporary, output)
    } finally {
      await fs.promises.rm(temporary, { force: true })
    }
  })
  yield* syncDirectory(dirname(output))
})

/** A copy of a layout under a name of the caller's: the store's own files stay the store's own. */
const copyTree = Effect.fnUntraced(function* (layout: string, output: string, mode: number) {
  const temporary = temporaryBeside(output)
  yield* attempt("write", output, async (signal) => {
    const copy = async (from: string, to: string): Promise<void> => {
      await fs.promises.mkdir(to, { mode: 0o755 })
      for (const entry of await fs.promises.readdir(from, { withFileTypes: true })) {
        signal.throwIfAborted()
        if (entry.isDirectory()) await copy(join(from, entry.name), join(to, entry.name))
        else {
          // shares the blocks where the file system can
          await copyFile(join(from, entry.name), join(to, entry.name))
          await fs.promises.chmod(join(to, entry.name), mode)
        }
      }
    }
    await copy(layout, temporary)
    await fs.promises.rename(temporary, output)
  }).pipe(Effect.onExit((exit) => (exit._tag === "Success" ? Effect.void : Effect.ignore(removeTree(temporary)))))
  yield* syncDirectory(dirname(output))
})
