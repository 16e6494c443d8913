/**
 * A directory as a tar archive that is the same every time.
 *
 * The archive of an unpacked checkpoint layer is never kept: it is produced again whenever somebody needs its bytes,
 * so everything that could differ (order, times, owners, modes) is fixed here and only names and contents remain.
 *
 *   plan = [ header | file content, padded to 512 ]* , two empty blocks
 */
import * as fs from "node:fs"
import { join } from "node:path"
import * as tar from "tar-stream"

/** One piece of the archive: bytes at hand, or the content of a file. */
type Piece =
  | { readonly _tag: "Bytes"; readonly bytes: Uint8Array }
  | { readonly _tag: "File"; readonly path: string; readonly name: string; readonly sizeBytes: number }

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

/** Look at a directory and lay out its archive: names sorted by their bytes, directories before what is in them. */
export const planDirectory = async (directory: string): Promise<TarPlan> => {
  const pieces: Array<Piece> = []
  const visit = async (at: string, prefix: string): Promise<void> => {
    for (const entry of fs.readdirSync(at, { withFileTypes: true }).toSorted(byName)) {
      const path = join(at, entry.name)
      const name = `${prefix}${entry.name}`
      if (entry.isDirectory()) {
        pieces.push(await headerPiece({ name: `${name}/`, type: "directory", mode: directoryMode }))
        await visit(path, `${name}/`)
      } else if (entry.isSymbolicLink()) {
        pieces.push(await headerPiece({ name, type: "symlink", linkname: fs.readlinkSync(path), mode: 0o777 }))
      } else if (entry.isFile()) {
        const sizeBytes = fs.statSync(path).size
        pieces.push(await headerPiece({ name, type: "file", mode: fileMode, size: sizeBytes }))
        pieces.push({ _tag: "File", path, name, sizeBytes })
        const padding = (blockSize - (sizeBytes % blockSize)) % blockSize
        if (padding > 0) pieces.push({ _tag: "Bytes", bytes: endOfArchive.subarray(0, padding) })
      }
    }
  }
  await visit(directory, "")
  pieces.push({ _tag: "Bytes", bytes: endOfArchive })
  const sizeBytes = pieces.reduce(
    (sum, piece) => sum + (piece._tag === "Bytes" ? piece.bytes.length : piece.sizeBytes),
    0,
  )
  return { pieces, sizeBytes }
}

/** Size of the blocks that an archive is read in; bigger ones are no faster. */
export const readBlockBytes = 1 << 20

/**
 * The bytes of the archive in order. Every block is valid only until the next one is asked for: the buffers are used
 * again, and the next block is read while the current one is worked on.
 */
export async function* tarBlocks(plan: TarPlan): AsyncGenerator<Uint8Array, void, void> {
  const buffers = [Buffer.allocUnsafe(readBlockBytes), Buffer.allocUnsafe(readBlockBytes)] as const
  for (const piece of plan.pieces) {
    if (piece._tag === "Bytes") yield piece.bytes
    else yield* fileBlocks(piece, buffers)
  }
}

async function* fileBlocks(
  file: Extract<Piece, { readonly _tag: "File" }>,
  buffers: readonly [Buffer, Buffer],
): AsyncGenerator<Uint8Array, void, void> {
  const handle = await fs.promises.open(file.path, "r")
  try {
    const read = (turn: number, position: number) =>
      handle.read(buffers[turn % 2 === 0 ? 0 : 1], 0, Math.min(readBlockBytes, file.sizeBytes - position), position)
    let position = 0
    let pending = read(0, 0)
    for (let turn = 0; position < file.sizeBytes; turn++) {
      const { bytesRead, buffer } = await pending
      if (bytesRead === 0) throw new FileChanged(file.name)
      position += bytesRead
      if (position < file.sizeBytes) pending = read(turn + 1, position)
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}

/** A file became shorter between planning and reading: somebody writes where nobody may. */
export class FileChanged extends Error {
  constructor(name: string) {
    super(`${name} changed while it was read`)
  }
}

const byName = (a: fs.Dirent, b: fs.Dirent) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))

type Header = Pick<tar.Header, "name" | "type" | "mode"> & Partial<tar.Header>

const headerPiece = async (header: Header): Promise<Piece> => ({ _tag: "Bytes", bytes: await headerBytes(header) })

/** The header blocks of one entry, extended ones included, as tar-stream writes them; its content is left out. */
const headerBytes = async (header: Header): Promise<Uint8Array> => {
  const pack = tar.pack()
  const chunks: Array<Buffer> = []
  pack.on("data", (chunk) => void chunks.push(chunk as Buffer))
  pack.entry({ uid: 0, gid: 0, mtime: new Date(0), ...header })
  // the headers come in microtasks; no content follows, since none is written
  await new Promise((resolve) => setImmediate(resolve))
  pack.destroy()
  const bytes = Buffer.concat(chunks)
  if (bytes.length === 0 || bytes.length % blockSize !== 0) throw new Error(`no tar header for ${header.name}`)
  return bytes
}
