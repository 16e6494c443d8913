/** CRIU's image files by their names, each opened when it is first asked for and closed with the scope. */
import * as fs from "node:fs"
import { join } from "node:path"
import {
  type ByteSource,
  bytesSource,
  decodedEntries,
  type EntryOf,
  type ImageKind,
  isImageProblem,
  type Pagemap,
  ProcessMemory,
  readFields,
  readOnly,
  readPagemap,
} from "@cryopod/criu"
import { CheckpointInvalid, type StorageFailed } from "@cryopod/entities"
import { attemptSync, storageFailure } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { fileSource } from "./imageFiles.ts"

const empty = bytesSource(new Uint8Array())

export class DumpFiles {
  readonly directory: string
  private readonly open = new Map<string, { readonly fd: number; readonly source: ByteSource } | undefined>()
  /** The dump before, which has memory that has not changed since. */
  private readonly before: DumpFiles | undefined
  /** The file that is being read, for whoever says what is wrong with it. */
  reading = ""

  constructor(directory: string) {
    this.directory = directory
    // CRIU follows this link; whoever unpacked the dump has made sure of where it leads
    const parent = join(directory, "parent")
    this.before = fs.existsSync(parent) ? new DumpFiles(parent) : undefined
  }

  /** Undefined when there is no such file. */
  source(name: string): ByteSource | undefined {
    this.reading = name
    if (!this.open.has(name)) {
      const path = join(this.directory, name)
      const isFile = fs.lstatSync(path, { throwIfNoEntry: false })?.isFile() === true
      const fd = isFile ? fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW) : undefined
      this.open.set(name, fd === undefined ? undefined : { fd, source: fileSource(fd) })
    }
    return this.open.get(name)?.source
  }

  /** The entries of a file; none when it is not there. */
  *entries<K extends ImageKind>(name: string, kind: K): Generator<EntryOf<K>, void, void> {
    const source = this.source(name)
    if (source !== undefined) yield* decodedEntries(source, kind)
  }

  /** The only entry of a file; undefined when it is not there. */
  only<K extends ImageKind>(name: string, kind: K): EntryOf<K> | undefined {
    const source = this.source(name)
    return source === undefined ? undefined : readOnly(source, kind)
  }

  /** Some fields of the only entry of a file; undefined when it is not there. */
  fields<K extends ImageKind, N extends keyof EntryOf<K>>(
    name: string,
    kind: K,
    names: ReadonlyArray<N>,
  ): Pick<EntryOf<K>, N> | undefined {
    const source = this.source(name)
    return source === undefined ? undefined : readFields(source, kind, names)
  }

  /** The only entry of a file that lies elsewhere. */
  outside<K extends ImageKind>(path: string, kind: K): EntryOf<K> {
    this.reading = path
    return readOnly(bytesSource(fs.readFileSync(path)), kind)
  }

  /** `name` is that of a pagemap. */
  pagemap(name: string): Pagemap | undefined {
    const source = this.source(name)
    return source === undefined ? undefined : readPagemap(source)
  }

  /** Memory of a process or, by `shmem-NUMBER`, of a piece of shared memory. Empty when the dump has none of it. */
  memory(of: number | string): ProcessMemory {
    const pagemap = this.pagemap(`pagemap-${of}.img`) ?? { pagesId: 0, ranges: [] }
    const pages = pagemap.ranges.length === 0 ? empty : this.source(`pages-${pagemap.pagesId}.img`)
    return new ProcessMemory(pagemap, pages, this.before?.memory(of))
  }

  names(): ReadonlyArray<string> {
    return fs.readdirSync(this.directory)
  }

  sizeOf(name: string): number {
    return fs.lstatSync(join(this.directory, name)).size
  }

  /** Files are opened one after the other for as many processes as there are; they are closed before there are too many. */
  close(name?: string): void {
    for (const [known, file] of this.open) {
      if (name !== undefined && known !== name) continue
      if (file !== undefined) fs.closeSync(file.fd)
      this.open.delete(known)
    }
    if (name === undefined) this.before?.close()
    else this.before?.close(name)
  }
}

export const openDump = (directory: string): Effect.Effect<DumpFiles, StorageFailed, Scope.Scope> =>
  Effect.acquireRelease(
    attemptSync("read", directory, () => new DumpFiles(directory)),
    (files) => Effect.sync(() => files.close()),
  )

/** Read from a dump; what is wrong with a file is told by its name. */
export const readDump = <A>(
  source: string,
  files: DumpFiles,
  read: (files: DumpFiles) => A,
): Effect.Effect<A, CheckpointInvalid | StorageFailed> =>
  Effect.try({ try: () => read(files), catch: (cause) => dumpFailure(source, files, cause) })

export const dumpFailure = (source: string, files: DumpFiles, cause: unknown): CheckpointInvalid | StorageFailed =>
  isImageProblem(cause)
    ? new CheckpointInvalid({ source, member: `checkpoint/${files.reading}`, problem: cause.message })
    : storageFailure("read", files.directory)(cause)
