/**
 * The log that conmon keeps, in the format of the Kubernetes CRI: one record a line,
 *
 *   2026-11-24T01:57:49.123456789+00:00 stdout F content
 *
 * with P instead of F where the content goes on in the next record of the same stream.
 */
import * as fs from "node:fs"
import type { LogLine } from "@cryopod/entities"

/** Undefined for a line that is no record. The content keeps its newline. */
export const parseRecord = (line: Buffer): LogLine | undefined => {
  const first = line.indexOf(0x20)
  const second = line.indexOf(0x20, first + 1)
  const third = line.indexOf(0x20, second + 1)
  if (first < 0 || second < 0 || third < 0) return undefined
  const stream = line.toString("latin1", first + 1, second)
  if (stream !== "stdout" && stream !== "stderr") return undefined
  const partial = line.toString("latin1", second + 1, third) === "P"
  const content = line.subarray(third + 1)
  return {
    stream,
    timestamp: line.toString("latin1", 0, first),
    content: partial ? content : Buffer.concat([content, newline]),
    partial,
  }
}

const newline = Buffer.from("\n")
const readBytes = 64 * 1024

export interface FollowOptions {
  /** Byte of the file to begin at. */
  readonly from: number
  /** Byte of the file to end at; without one, everything that comes is read. */
  readonly until?: number
  /** The file, opened by the caller, who closes it; without one, it is opened when it is there. */
  readonly handle?: fs.promises.FileHandle
  /** False when the container has ended and everything it said is in the file. */
  readonly goesOn: () => boolean
  readonly signal?: AbortSignal
}

/** The records of a log from an offset on, as they come, until `goesOn` is false and the file is read. */
export async function* followLog(path: string, options: FollowOptions): AsyncGenerator<LogLine, void, void> {
  const handle = options.handle ?? (await openWhenThere(path, options))
  if (handle === undefined) return
  const buffer = Buffer.allocUnsafe(readBytes)
  let position = options.from
  let rest: Buffer = Buffer.alloc(0)
  try {
    while (options.signal?.aborted !== true) {
      // asked before reading: what is written in between is then read in this round or asked about in the next
      const goesOn = options.goesOn()
      const wanted = Math.min(buffer.length, (options.until ?? Number.POSITIVE_INFINITY) - position)
      const { bytesRead } = await handle.read(buffer, 0, wanted, position)
      if (bytesRead === 0) {
        if (!goesOn) return
        await changed(path)
        continue
      }
      position += bytesRead
      rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
      for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
        const record = parseRecord(rest.subarray(0, end))
        rest = rest.subarray(end + 1)
        if (record !== undefined) yield record
      }
    }
  } finally {
    if (handle !== options.handle) await handle.close()
  }
}

/** Length of a log so far; 0 when there is none yet. */
export const logSize = (path: string): number => fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0

/**
 * Offset at which the last `count` lines begin, found from the end: a log may be large. A line is what ended with a
 * newline in the container, or has not ended yet; partial records before it belong to it.
 */
export const tailOffset = (path: string, count: number, size: number): number => {
  if (count < 0 || size === 0) return 0
  const fd = fs.openSync(path, "r")
  try {
    const block = Buffer.allocUnsafe(readBytes)
    let seen = 0
    let end = size
    let tail: Buffer = Buffer.alloc(0)
    while (end > 0) {
      const start = Math.max(0, end - readBytes)
      fs.readSync(fd, block, 0, end - start, start)
      tail = Buffer.concat([block.subarray(0, end - start), tail])
      // walk the whole records of what is at hand, the last first
      for (let newlineAt = tail.lastIndexOf(0x0a); newlineAt >= 0;) {
        const before = newlineAt === 0 ? -1 : tail.lastIndexOf(0x0a, newlineAt - 1)
        if (before < 0 && start > 0) break
        const record = parseRecord(tail.subarray(before + 1, newlineAt))
        if (record !== undefined && (!record.partial || seen === 0)) seen++
        if (seen > count) return start + newlineAt + 1
        tail = tail.subarray(0, before + 1)
        newlineAt = tail.lastIndexOf(0x0a)
      }
      end = start
    }
    return 0
  } finally {
    fs.closeSync(fd)
  }
}

const openWhenThere = async (path: string, options: FollowOptions) => {
  while (options.signal?.aborted !== true) {
    const goesOn = options.goesOn()
    try {
      return await fs.promises.open(path, "r")
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause
      if (!goesOn) return undefined
      await pause(20)
    }
  }
  return undefined
}

/** How long to go without looking, should a change notice be lost. */
const lookAgainMillis = 100

/** Wait until the file changes, as inotify tells, or a little while. */
const changed = (path: string) =>
  new Promise<void>((resolve) => {
    let watcher: fs.FSWatcher | undefined
    const done = () => {
      clearTimeout(timer)
      watcher?.close()
      resolve()
    }
    const timer = setTimeout(done, lookAgainMillis)
    try {
      watcher = fs.watch(path, done)
      watcher.on("error", done)
    } catch {
      // the file is gone or watches are used up: the timer is enough
    }
  })

const pause = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis))
