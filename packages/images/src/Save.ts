/** Images into files: complete under their name or not there. */
import * as fs from "node:fs"
import { dirname, join, resolve } from "node:path"
import { planDirectory, tarBlocks } from "@cryopod/archive"
import { OptionInvalid, StorageFailed } from "@cryopod/entities"
import { attempt, attemptSync, removeTree, syncDirectory, temporaryBeside } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { type ExportFailure, exportLayout } from "./ExportLayout.ts"
import { ImageStore } from "./ImageStore.ts"
import { ociForm } from "./LayerForms.ts"
import { type CopyFailure, Transport } from "./Transport.ts"

export const saveFormats = ["docker-archive", "oci-archive", "oci-dir"] as const
export type SaveFormat = (typeof saveFormats)[number]

export interface SaveOptions {
  /** File or directory to make; `-` or nothing for standard output. */
  readonly output: string
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
  const toStandardOutput = options.output === "" || options.output === "-"
  if (options.format === "oci-dir" && toStandardOutput) {
    return yield* new OptionInvalid({ option: "output", value: options.output, problem: "a directory needs a path" })
  }
  const output = resolve(options.output)
  if (!toStandardOutput) yield* refuseEarly(output, options.format)
  yield* Effect.scoped(
    Effect.gen(function* () {
      const store = yield* ImageStore
      const area = yield* store.area
      const layout = yield* exportLayout(imageId, {
        form: options.format === "docker-archive" ? "plain" : ociForm(yield* store.get(imageId)),
        ...(options.name === undefined ? {} : { ref: options.name }),
      })
      if (options.format === "oci-dir") return yield* copyTree(layout, output, options.mode)
      const archive = join(area, "archive")
      if (options.format === "docker-archive") yield* dockerArchive(layout, archive, options)
      else if (toStandardOutput) return yield* toOutput(async () => tarBlocks(await planDirectory(layout)))
      else yield* writeFile(archive, async () => tarBlocks(await planDirectory(layout)))
      if (toStandardOutput) yield* toOutput(async () => fs.createReadStream(archive, { highWaterMark: 1 << 20 }))
      else yield* deliver(archive, output, options.mode)
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
    ref: options.output,
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

/** Blocks are used again after they were handed over: each is out before the next is asked for. */
const toOutput = (blocks: Blocks) =>
  attempt("write to", "standard output", async (signal) => {
    for await (const block of await blocks()) {
      signal.throwIfAborted()
      await new Promise<void>((done, failed) => {
        process.stdout.write(block, (cause) => (cause ? failed(cause) : done()))
      })
    }
  })

/** Give a finished file its name; across file systems it is copied under a temporary name first. */
const deliver = Effect.fnUntraced(function* (archive: string, output: string, mode: number) {
  yield* attempt("write", output, async () => {
    const temporary = temporaryBeside(output)
    try {
      const near = await fs.promises.rename(archive, temporary).then(
        () => true,
        () => false,
      )
      if (!near) await fs.promises.copyFile(archive, temporary)
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
          await fs.promises.copyFile(join(from, entry.name), join(to, entry.name), fs.constants.COPYFILE_FICLONE)
          await fs.promises.chmod(join(to, entry.name), mode)
        }
      }
    }
    await copy(layout, temporary)
    await fs.promises.rename(temporary, output)
  }).pipe(Effect.onExit((exit) => (exit._tag === "Success" ? Effect.void : Effect.ignore(removeTree(temporary)))))
  yield* syncDirectory(dirname(output))
})
