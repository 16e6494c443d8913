/**
 * A big file that is written once, from its beginning to its end, and is on the disk when that is done.
 *
 * The disk is kept busy while more is made, so that little is left to wait for at the end.
 */
import * as fs from "node:fs"
import { type FileIdentity, identityOf } from "./FileIdentity.ts"

export interface NewFile {
  /** All of a block, which is the caller's again when the promise is done. */
  readonly write: (block: Uint8Array) => Promise<void>
  /** Nothing more comes. All of it is on the disk afterwards. */
  readonly sync: () => Promise<void>
  readonly identity: () => FileIdentity | undefined
  /** When nothing is under way with it any more. */
  readonly close: () => Promise<void>
}

const ownerOnly = 0o600

/** So much may wait to go to the disk. */
const flushBytes = 32 * 2 ** 20

/** For its owner alone; fails where there is something of that name. */
export const newFile = async (path: string): Promise<NewFile> => {
  const handle = await fs.promises.open(path, "wx", ownerOnly)
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
      for (let at = 0; at < block.length;) at += (await handle.write(block, at)).bytesWritten
      flushBehind(block.length)
    },
    sync: async () => {
      await flush
      if (failure !== undefined) throw failure
      await handle.sync()
    },
    identity: () => identityOf(handle.fd),
    close: () => handle.close().catch(() => undefined),
  }
}
