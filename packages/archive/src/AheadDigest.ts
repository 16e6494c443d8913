/**
 * The digest of an archive whose files are still being written.
 *
 * SHA-256 goes through an archive from its beginning to its end, and a file's header, which has the file's length, comes
 * before its content. So a file can be hashed while it grows if one knows how long it will be. What was expected is
 * held against the finished archive: where they differ, the hashing begins anew, and nothing but time was lost.
 */
import { createHash, type Hash } from "node:crypto"
import * as fs from "node:fs"
import type { Measured } from "./Digest.ts"
import {
  directoryPiece,
  filePieces,
  type Piece,
  type PlannedMember,
  readBlockBytes,
  tarBlocks,
  type TarPlan,
} from "./TarPlan.ts"

export interface GrowingFile extends PlannedMember {
  /** Length that the file is expected to reach. */
  readonly sizeBytes: number
}

/** A piece that has gone through the hash, with the file that its bytes came from. */
interface Hashed {
  readonly piece: Piece
  readonly file?: { readonly device: number; readonly inode: number }
}

/** How long to leave a file alone that has not grown. */
const pauseMillis = 2

export class AheadDigest {
  private readonly hash: Hash = createHash("sha256")
  private readonly hashed: Array<Hashed> = []
  /** An expectation was wrong: what is in the hash is no beginning of any archive. */
  private spoilt = false

  /** The entry of a directory. */
  async directory(name: string): Promise<void> {
    this.take(await directoryPiece(name))
  }

  /**
   * The entry of a file that somebody appends to, to its end. False when the file did not become what was expected; there
   * is no use in going on then. `written` tells that nobody appends any more.
   */
  async follow(file: GrowingFile, written: () => boolean, signal: AbortSignal): Promise<boolean> {
    for (const piece of await filePieces(file)) {
      if (piece._tag === "Bytes") this.take(piece)
      else if (!(await this.content(file, written, signal))) {
        this.spoilt = true
        return false
      }
    }
    return true
  }

  /** Digest and length of the finished archive. `each` is called now and then, and may throw to stop. */
  async measure(plan: TarPlan, each: () => void = () => undefined): Promise<Measured> {
    const usable = !this.spoilt && this.isBeginningOf(plan)
    const hash = usable ? this.hash : createHash("sha256")
    const pieces = usable ? plan.pieces.slice(this.hashed.length) : plan.pieces
    for await (const block of tarBlocks({ pieces, sizeBytes: plan.sizeBytes })) {
      each()
      hash.update(block)
    }
    return { digest: `sha256:${hash.digest("hex")}`, sizeBytes: plan.sizeBytes }
  }

  private take(piece: Piece): void {
    if (piece._tag === "Bytes") this.hash.update(piece.bytes)
    this.hashed.push({ piece })
  }

  private async content(file: GrowingFile, written: () => boolean, signal: AbortSignal): Promise<boolean> {
    const handle = await fs.promises.open(file.path, "r")
    try {
      const buffer = Buffer.allocUnsafe(readBlockBytes)
      for (let position = 0; position < file.sizeBytes;) {
        // asked before reading: what is appended in between is read in this round or asked about in the next
        const ended = written()
        const wanted = Math.min(readBlockBytes, file.sizeBytes - position)
        const { bytesRead } = await handle.read(buffer, 0, wanted, position)
        if (signal.aborted || (bytesRead === 0 && ended)) return false
        if (bytesRead === 0) await new Promise((resolve) => setTimeout(resolve, pauseMillis))
        else this.hash.update(buffer.subarray(0, bytesRead))
        position += bytesRead
      }
      const { dev: device, ino: inode } = await handle.stat()
      this.hashed.push({ piece: { _tag: "File", ...file }, file: { device, inode } })
      return true
    } finally {
      await handle.close()
    }
  }

  private isBeginningOf({ pieces }: TarPlan): boolean {
    return this.hashed.every(({ file, piece }, at) => {
      const planned = pieces[at]
      if (piece._tag === "Bytes") return planned?._tag === "Bytes" && Buffer.compare(piece.bytes, planned.bytes) === 0
      if (planned?._tag !== "File" || planned.name !== piece.name || planned.sizeBytes !== piece.sizeBytes) return false
      const { dev, ino } = fs.statSync(planned.path)
      return dev === file?.device && ino === file.inode
    })
  }
}
