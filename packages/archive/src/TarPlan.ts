/**
 * Files and directories as a tar archive that is the same every time.
 *
 * The archive of an unpacked checkpoint layer is never kept: it is produced again whenever somebody needs its bytes,
 * so everything that could differ (order, times, owners, modes) is fixed here and only names and contents remain.
 *
 *   plan = [ header | file content, padded to 512 ]* , two empty blocks
 */
import * as fs from "node:fs"
import { join } from "node:path"
import * as tar from "tar-stream"
import { ByteSource } from "./ByteSource.ts"

/** One piece of the archive: bytes at hand, the content of a file, or content that is made while it is read. */
export type Piece =
  | { readonly _tag: "Bytes"; readonly bytes: Uint8Array }
  | { readonly _tag: "File"; readonly path: string; readonly name: string; readonly sizeBytes: number }
  | ({ readonly _tag: "Stream" } & StreamedMember)

export interface TarPlan {
  readonly pieces: ReadonlyArray<Piece>
  /** Length of the archive. */
  readonly sizeBytes: number
}

const blockSize = 512
const endOfArchive = new Uint8Array(2 * blockSize)

/** Files of the archive are readable by root alone: they hold memory. */
const fileMode = 0o600
const directoryMode = 0o700

/** A file or directory and its name in the archive. */
export interface PlannedMember {
  readonly name: string
  readonly path: string
}

/** A file of the archive that lies nowhere: its bytes are made when they are wanted, as many as were announced. */
export interface StreamedMember {
  readonly name: string
  readonly sizeBytes: number
  /** Called once for every reading. */
  readonly open: () => AsyncIterable<Uint8Array>
}

/** The archive of a directory: in the order of the bytes of their names, directories before what is in them. */
export const planDirectory = (directory: string): Promise<TarPlan> =>
  planMembers(childrenOf({ name: "", path: directory }))

/**
 * The archive of members that may lie anywhere, in the order given. Every directory has an entry, those above a member
 * included.
 */
export const planMembers = async (members: ReadonlyArray<PlannedMember | StreamedMember>): Promise<TarPlan> => {
  const pieces: Array<Piece> = []
  const directories = new Set<string>()
  const directory = async (name: string): Promise<void> => {
    if (directories.has(name)) return
    directories.add(name)
    pieces.push(await directoryPiece(name))
  }
  const visit = async (member: PlannedMember): Promise<void> => {
    const { name, path } = member
    const stat = fs.lstatSync(path)
    if (stat.isDirectory()) {
      await directory(name)
      for (const child of childrenOf(member)) await visit(child)
    } else if (stat.isSymbolicLink()) {
      pieces.push(await headerPiece({ name, type: "symlink", linkname: fs.readlinkSync(path), mode: 0o777 }))
    } else if (stat.isFile()) {
      const file = { name, path, sizeBytes: stat.size }
      pieces.push(...(await contentPieces(file, { _tag: "File", ...file })))
    }
  }
  for (const member of members) {
    for (const parent of parentsOf(member.name)) await directory(parent)
    if ("open" in member) pieces.push(...(await contentPieces(member, { _tag: "Stream", ...member })))
    else await visit(member)
  }
  pieces.push({ _tag: "Bytes", bytes: endOfArchive })
  const sizeBytes = pieces.reduce(
    (sum, piece) => sum + (piece._tag === "Bytes" ? piece.bytes.length : piece.sizeBytes),
    0,
  )
  return { pieces, sizeBytes }
}

const directoryPiece = (name: string): Promise<Piece> =>
  headerPiece({ name: `${name}/`, type: "directory", mode: directoryMode })

/** An entry with content: header, content, padding. */
const contentPieces = async (
  { name, sizeBytes }: Pick<StreamedMember, "name" | "sizeBytes">,
  content: Piece,
): Promise<ReadonlyArray<Piece>> => {
  const padding = (blockSize - (sizeBytes % blockSize)) % blockSize
  return [
    await headerPiece({ name, type: "file", mode: fileMode, size: sizeBytes }),
    content,
    ...(padding > 0 ? [{ _tag: "Bytes", bytes: endOfArchive.subarray(0, padding) } as const] : []),
  ]
}

const childrenOf = ({ name: prefix, path }: PlannedMember): ReadonlyArray<PlannedMember> =>
  fs
    .readdirSync(path)
    .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((name) => ({ name: prefix === "" ? name : `${prefix}/${name}`, path: join(path, name) }))

/** `a/b/c` → `a`, `a/b`. */
const parentsOf = (name: string): ReadonlyArray<string> => {
  const parts = name.split("/")
  return parts.slice(0, -1).map((_, at) => parts.slice(0, at + 1).join("/"))
}

/** Size of the blocks that an archive is read in; bigger ones are no faster. */
export const readBlockBytes = 1 << 20

export interface BlockShape {
  /** Length of every block but the last. */
  readonly blockBytes: number
  /** How many further blocks may be asked for before one is used again. */
  readonly lasting: number
}

/**
 * The bytes of the archive in order. The buffers are used again: a block is valid until as many more as `lasting` says
 * have been asked for. The next block is read while the current one is worked on.
 */
export async function* tarBlocks(
  plan: TarPlan,
  { blockBytes, lasting }: BlockShape = { blockBytes: readBlockBytes, lasting: 1 },
): AsyncGenerator<Uint8Array, void, void> {
  const slots = Array.from({ length: lasting + 1 }, () => Buffer.allocUnsafe(blockBytes))
  const bytes = new PlannedBytes(plan)
  const fill = async (turn: number): Promise<Uint8Array> => {
    const slot = slots[turn % slots.length] ?? Buffer.alloc(0)
    return slot.subarray(0, await bytes.read(slot))
  }
  let pending = fill(0)
  try {
    for (let turn = 1; ; turn++) {
      const block = await pending
      if (block.length > 0) {
        pending = fill(turn)
        // it is waited for in its turn; a failure before that is no unhandled one
        pending.catch(() => undefined)
        yield block
      }
      if (block.length < blockBytes) return
    }
  } finally {
    await Promise.allSettled([pending])
    await bytes.close()
  }
}

/** The archive, read from where the last reading ended. */
class PlannedBytes {
  private readonly pieces: ReadonlyArray<Piece>
  private at = 0
  /** Bytes of the current piece that have been read. */
  private position = 0
  private handle: fs.promises.FileHandle | undefined
  private source: ByteSource | undefined

  constructor({ pieces }: TarPlan) {
    this.pieces = pieces
  }

  /** Fills a buffer; it has room left only at the end of the archive. */
  async read(into: Buffer): Promise<number> {
    let filled = 0
    while (filled < into.length) {
      const piece = this.pieces[this.at]
      if (piece === undefined) break
      filled +=
        piece._tag === "Bytes"
          ? this.copy(piece.bytes, into, filled)
          : piece._tag === "File"
            ? await this.readFile(piece, into, filled)
            : await this.readStream(piece, into, filled)
      if (this.position < (piece._tag === "Bytes" ? piece.bytes.length : piece.sizeBytes)) continue
      if (piece._tag === "Stream") await this.expectEnd(piece)
      await this.close()
      this.at++
      this.position = 0
    }
    return filled
  }

  async close(): Promise<void> {
    const { handle, source } = this
    this.handle = undefined
    this.source = undefined
    await handle?.close()
    await source?.close()
  }

  private copy(bytes: Uint8Array, into: Buffer, filled: number): number {
    const taken = Math.min(into.length - filled, bytes.length - this.position)
    into.set(bytes.subarray(this.position, this.position + taken), filled)
    this.position += taken
    return taken
  }

  private async readFile(
    file: Extract<Piece, { readonly _tag: "File" }>,
    into: Buffer,
    filled: number,
  ): Promise<number> {
    const wanted = Math.min(into.length - filled, file.sizeBytes - this.position)
    if (wanted === 0) return 0
    if (wanted === file.sizeBytes && wanted <= readAtOnceBytes) {
      readWhole(file, into.subarray(filled, filled + wanted))
      this.position = wanted
      return wanted
    }
    this.handle ??= await fs.promises.open(file.path, "r")
    const { bytesRead } = await this.handle.read(into, filled, wanted, this.position)
    if (bytesRead === 0) throw new FileChanged(file.name)
    this.position += bytesRead
    return bytesRead
  }

  private async readStream(member: StreamedMember, into: Buffer, filled: number): Promise<number> {
    const wanted = Math.min(into.length - filled, member.sizeBytes - this.position)
    if (wanted === 0) return 0
    this.source ??= new ByteSource(member.open())
    const piece = await this.source.some(wanted)
    if (piece.length === 0) throw new FileChanged(member.name)
    into.set(piece, filled)
    this.position += piece.length
    return piece.length
  }

  /** Read on, so that whoever makes the bytes can say how that went. */
  private async expectEnd(member: StreamedMember): Promise<void> {
    this.source ??= new ByteSource(member.open())
    if ((await this.source.some(1)).length > 0) throw new FileChanged(member.name)
  }
}

/** A file of this length is read before the thread pool has been asked to open it. */
const readAtOnceBytes = 1 << 16

const readWhole = ({ name, path }: Extract<Piece, { readonly _tag: "File" }>, into: Buffer): void => {
  const file = fs.openSync(path, "r")
  try {
    if (fs.readSync(file, into, 0, into.length, 0) < into.length) throw new FileChanged(name)
  } finally {
    fs.closeSync(file)
  }
}

/** A file became shorter between planning and reading: somebody writes where nobody may. */
export class FileChanged extends Error {
  constructor(name: string) {
    super(`${name} changed while it was read`)
  }
}

type Header = Pick<tar.Header, "name" | "type" | "mode"> & Partial<tar.Header>

const headerPiece = async (header: Header): Promise<Piece> => ({ _tag: "Bytes", bytes: await headerBytes(header) })

/** The header blocks of one entry, extended ones included, as tar-stream writes them; its content is left out. */
const headerBytes = async (header: Header): Promise<Uint8Array> => {
  const pack = tar.pack()
  const chunks: Array<Buffer> = []
  pack.on("data", (chunk) => void chunks.push(chunk as Buffer))
  pack.entry({ uid: 0, gid: 0, mtime: new Date(0), ...header })
  // the headers come in microtasks; no content follows, since none is written, and nothing is open that had to be closed
  await new Promise((resolve) => setImmediate(resolve))
  const bytes = Buffer.concat(chunks)
  if (bytes.length === 0 || bytes.length % blockSize !== 0) throw new Error(`no tar header for ${header.name}`)
  return bytes
}

/** The whole archive of a directory with nothing in it, which the archive calls `./`. */
export const emptyDirectoryArchive = async (
  attributes: Required<Pick<tar.Header, "mode" | "uid" | "gid" | "mtime">>,
): Promise<Uint8Array> =>
  Buffer.concat([await headerBytes({ name: "./", type: "directory", ...attributes }), endOfArchive])
