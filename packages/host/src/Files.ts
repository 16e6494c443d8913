/** Whole-file and whole-tree operations that leave either the old or the new state behind, never half of one. */
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import type { StorageFailed, ToolFailed, ToolMissing } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { nanoid } from "nanoid/non-secure"
import { attempt, attemptSync } from "./Attempt.ts"
import { runOk } from "./Process.ts"
import { Tools } from "./Tools.ts"

/** A name beside `path` that nobody else uses. */
export const temporaryBeside = (path: string): string => `${path}.tmp-${nanoid(10)}`

/** Make the entries of a directory survive a power cut. */
export const syncDirectory = (path: string): Effect.Effect<void, StorageFailed> =>
  attemptSync("sync directory", path, () => {
    const fd = fs.openSync(path, "r")
    try {
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  })

/** The text of a file; something else where it cannot be read. */
export const readOr = (path: string, otherwise: string): string => {
  try {
    return fs.readFileSync(path, "utf8")
  } catch {
    return otherwise
  }
}

// without Node's promises of files, which take 3 ms to load, where every command comes by

/** The content of a file under another name, shared where the file system can. */
export const copyFile = (from: string, to: string): Promise<void> =>
  new Promise((resolve, reject) =>
    fs.copyFile(from, to, fs.constants.COPYFILE_FICLONE, (cause) => (cause === null ? resolve() : reject(cause))),
  )

/** Replace a small file: temporary name, sync, rename. The directory itself is not synced. */
export const writeAtomic = (
  path: string,
  content: string | Uint8Array,
  mode = 0o600,
): Effect.Effect<void, StorageFailed> =>
  attemptSync("write", path, () => replaceFile(path, content, { mode, sync: true }))

/** Replace a small file that can be made again: it is whole, but after a power cut it may be the former one, or empty. */
export const writeAgain = (path: string, content: string | Uint8Array): Effect.Effect<void, StorageFailed> =>
  attemptSync("write", path, () => replaceFile(path, content, { mode: 0o600, sync: false }))

const replaceFile = (
  path: string,
  content: string | Uint8Array,
  { mode, sync }: { readonly mode: number; readonly sync: boolean },
): void => {
  const temporary = temporaryBeside(path)
  try {
    const fd = fs.openSync(temporary, "wx", mode)
    try {
      fs.writeFileSync(fd, content)
      if (sync) fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
    fs.renameSync(temporary, path)
  } catch (cause) {
    fs.rmSync(temporary, { force: true })
    throw cause
  }
}

/** Remove a tree that may not be there. The caller has made sure that nothing is mounted below it. */
export const removeTree = (path: string): Effect.Effect<void, StorageFailed> =>
  Effect.suspend(() =>
    isSmall(path)
      ? attemptSync("remove", path, () => fs.rmSync(path, { recursive: true, force: true }))
      : attempt("remove", path, () => removeSlowly(path)),
  )

const removeSlowly = (path: string): Promise<void> =>
  new Promise((resolve, reject) =>
    fs.rm(path, { recursive: true, force: true }, (cause) => (cause instanceof Error ? reject(cause) : resolve())),
  )

/** Entries of a directory that go faster one after the other than by way of the thread pool. */
const fewEntries = 100

/** Nothing, a file, or a directory with a few entries that are none. */
const isSmall = (path: string): boolean => {
  try {
    const entries = fs.readdirSync(path, { withFileTypes: true })
    return entries.length <= fewEntries && !entries.some((entry) => entry.isDirectory())
  } catch {
    return true
  }
}

/** Make a directory and those above it. */
export const makeDirectory = (path: string, mode = 0o700): Effect.Effect<void, StorageFailed> =>
  attemptSync("make directory", path, () => void fs.mkdirSync(path, { recursive: true, mode }))

/**
 * A second name for a regular file, or for every one of a tree: no byte is copied. Both places are on one file system;
 * the target must not exist.
 */
export const linkTree = (from: string, to: string): Effect.Effect<void, StorageFailed> =>
  attemptSync("link", to, () => {
    const link = (source: string, target: string) => {
      const stat = fs.lstatSync(source)
      if (stat.isSymbolicLink()) fs.symlinkSync(fs.readlinkSync(source), target)
      else if (stat.isDirectory()) {
        fs.mkdirSync(target, { mode: 0o700 })
        for (const name of fs.readdirSync(source)) link(join(source, name), join(target, name))
      } else fs.linkSync(source, target)
    }
    fs.mkdirSync(dirname(to), { recursive: true, mode: 0o700 })
    link(from, to)
  })

/** Move a finished tree to its final name and make the move durable. The target must not exist. */
export const publishTree = Effect.fnUntraced(function* (from: string, to: string) {
  yield* makeDirectory(dirname(to))
  yield* attemptSync("rename", to, () => fs.renameSync(from, to))
  yield* syncDirectory(dirname(to))
})

/** Bytes that an unprivileged writer could still write to the file system of `path`. */
export const availableBytes = (path: string): Effect.Effect<number, StorageFailed> =>
  attemptSync("ask for free space of", path, () => {
    const { bavail, bsize } = fs.statfsSync(path)
    return bavail * bsize
  })

/** Space that a tree takes on its disk, in bytes; holes take none, and a file with several names takes it once. */
export const treeBytes = Effect.fnUntraced(function* (
  path: string,
): Effect.fn.Return<number, ToolMissing | ToolFailed, Tools> {
  const tools = yield* Tools
  const text = yield* runOk(yield* tools.path("du"), ["--summarize", "--block-size=1", "--", path], {
    env: tools.environment,
  })
  return Number(text.split("\t")[0])
})
