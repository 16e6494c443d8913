/**
 * A big file that is written once, from its beginning to its end, and not read soon.
 *
 * It goes past the page cache where the file system lets it (`O_DIRECT`): what is in the cache has to be copied there, takes
 * memory from others, and is waited for at the end. Where it does not, the disk is kept busy while more is made.
 */
import * as fs from "node:fs"
import { type FileIdentity, identityOf } from "./FileIdentity.ts"

export interface NewFile {
  /** All of a block, which is the caller's again when the promise is done. */
  readonly write: (block: Uint8Array) => Promise<void>
  /** Nothing more comes. All of it is on the disk afterwards. */
  readonly sync: () => Promise<void>
  readonly identity: () => FileIdentity | undefined
  readonly close: () => Promise<void>
}

/** For its owner alone; fails where there is something of that name, and leaves nothing then. */
export const newFile = async (path: string): Promise<NewFile> => {
  const handle = await fs.promises.open(path, "wx", ownerOnly)
  try {
    const direct = await openDirect(path)
    if (direct === undefined) return throughCache(handle)
    await handle.close()
    return pastCache(direct)
  } catch (cause) {
    await handle.close()
    fs.rmSync(path)
    throw cause
  }
}

const ownerOnly = 0o600

/** Where memory, offset and length must begin and end: what no disk and no file system asks more of. */
const alignment = 4096
const roomBytes = 1 << 20
/** How many rooms go to the disk at a time: alone, each would wait for the one before it to be there. */
const underWay = 3

/** Undefined where it cannot be done, which a file system says at once or with the first bytes (open(2), O_DIRECT). */
const openDirect = async (path: string): Promise<fs.promises.FileHandle | undefined> => {
  let handle: fs.promises.FileHandle | undefined
  try {
    handle = await fs.promises.open(path, fs.constants.O_WRONLY | fs.constants.O_DIRECT)
    await writeWhole(handle, alignedRooms(1)[0]?.subarray(0, alignment) ?? Buffer.alloc(0), 0)
    return handle
  } catch (cause) {
    await handle?.close()
    if ((cause as NodeJS.ErrnoException).code === "EINVAL") return undefined
    throw cause
  }
}

const pastCache = (handle: fs.promises.FileHandle): NewFile => {
  const { close, identity } = opened(handle)
  const rooms = alignedRooms(underWay + 1)
  const writing: Array<Promise<void>> = []
  let turn = 0
  let filled = 0
  let written = 0
  const room = () => rooms[turn % rooms.length] ?? Buffer.alloc(0)
  /** The room goes to the disk, and the next one is free. */
  const send = async (length: number) => {
    const sent = writeWhole(handle, room().subarray(0, length), written)
    // it is waited for in its turn; a failure before that is no unhandled one
    sent.catch(() => undefined)
    writing.push(sent)
    written += length
    turn++
    if (writing.length === underWay) await writing.shift()
  }
  return {
    write: async (block) => {
      for (let at = 0; at < block.length;) {
        const part = block.subarray(at, at + roomBytes - filled)
        room().set(part, filled)
        at += part.length
        filled += part.length
        if (filled < roomBytes) continue
        filled = 0
        await send(roomBytes)
      }
    },
    sync: async () => {
      const length = written + filled
      const whole = Math.ceil(filled / alignment) * alignment
      if (whole > 0) await send(whole)
      await Promise.all(writing)
      if (whole > filled || length === 0) await handle.truncate(length)
      await handle.sync()
    },
    identity,
    close,
  }
}

/** A part of the language's environment that TypeScript has among the browser's types alone. */
declare const WebAssembly: {
  readonly Memory: new (pages: { readonly initial: number; readonly maximum: number }) => {
    readonly buffer: ArrayBuffer
  }
}

/** Memory of WebAssembly begins with a page; that of a buffer begins where it likes. */
const alignedRooms = (count: number): ReadonlyArray<Buffer> => {
  const pages = (count * roomBytes) / (1 << 16)
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages })
  return Array.from({ length: count }, (_, at) => Buffer.from(buffer, at * roomBytes, roomBytes))
}

/** So much may wait to go to the disk. */
const flushBytes = 32 * 2 ** 20

const throughCache = (handle: fs.promises.FileHandle): NewFile => {
  const { close, identity } = opened(handle)
  let waiting = 0
  let flush: Promise<void> | undefined
  let failure: Error | undefined
  const flushBehind = (bytes: number): void => {
    waiting += bytes
    if (waiting < flushBytes || flush !== undefined) return
    waiting = 0
    flush = handle
      .datasync()
      // the kernel tells it once: no later sync would fail
      .catch((cause: Error) => void (failure ??= cause))
      .finally(() => (flush = undefined))
  }
  return {
    write: async (block) => {
      await writeWhole(handle, block, null)
      flushBehind(block.length)
    },
    sync: async () => {
      await flush
      if (failure !== undefined) throw failure
      await handle.sync()
    },
    identity,
    close,
  }
}

/** A handle is closed when nothing is under way with it any more. */
const opened = (handle: fs.promises.FileHandle): Pick<NewFile, "close" | "identity"> => ({
  identity: () => identityOf(handle.fd),
  close: () => handle.close().catch(() => undefined),
})

/** `position` is null for where the file ends. */
const writeWhole = async (
  handle: fs.promises.FileHandle,
  block: Uint8Array,
  position: number | null,
): Promise<void> => {
  for (let at = 0; at < block.length;) {
    const from = position === null ? null : position + at
    at += (await handle.write(block, at, block.length - at, from)).bytesWritten
  }
}
