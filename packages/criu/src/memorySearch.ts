/**
 * Look for bytes in memory that is far larger than a buffer: block by block, each with the end of the one before, so that
 * nothing is missed where two meet.
 */
import type { MemoryBlock } from "./ProcessMemory.ts"

export interface MemoryMatch {
  readonly address: bigint
  readonly match: Uint8Array
  /** The match with what stands around it. */
  readonly context: MemoryBlock
}

/** Text is looked for as it is; an expression, which must be global, sees each byte as one character (ISO 8859-1). */
export type MemoryPattern = string | RegExp

/** A longer match of an expression may be cut off, or missed, where two blocks meet. */
const longestMatch = 4096

interface Window {
  readonly address: bigint
  readonly bytes: Buffer
  /** What begins before has been looked for. */
  readonly from: number
}

/** `blocks` in the order of addresses; context goes `contextBytes` to either side, as far as there is memory. */
export function* searchMemory(
  blocks: Iterable<MemoryBlock>,
  pattern: MemoryPattern,
  contextBytes = 0,
): Generator<MemoryMatch, void, void> {
  const needle = typeof pattern === "string" ? Buffer.from(pattern, "utf8") : pattern
  if (needle instanceof Buffer && needle.length === 0) return
  const overlap = (needle instanceof Buffer ? needle.length : longestMatch) + contextBytes
  let window: Window | undefined
  for (const { address, content } of blocks) {
    if (window !== undefined && window.address + BigInt(window.bytes.length) !== address) {
      yield* matchesIn(window, window.bytes.length, needle, contextBytes)
      window = undefined
    }
    const before: Window = window ?? { address, bytes: Buffer.alloc(0), from: 0 }
    const joined: Window = { ...before, bytes: Buffer.concat([before.bytes, content]) }
    // what begins in the last part is looked for when more is known
    const until = Math.max(joined.from, joined.bytes.length - overlap)
    const end = yield* matchesIn(joined, until, needle, contextBytes)
    const keep = Math.max(0, until - contextBytes)
    window = {
      address: joined.address + BigInt(keep),
      bytes: joined.bytes.subarray(keep),
      from: Math.max(until, end) - keep,
    }
  }
  if (window !== undefined) yield* matchesIn(window, window.bytes.length, needle, contextBytes)
}

/** Matches that begin before `until`; where the last one ends. */
function* matchesIn(
  { address, bytes, from }: Window,
  until: number,
  needle: Buffer | RegExp,
  contextBytes: number,
): Generator<MemoryMatch, number, void> {
  let end = from
  const places =
    needle instanceof RegExp ? expressions(bytes, needle, from, until) : occurrences(bytes, needle, from, until)
  for (const [at, length] of places) {
    const begin = Math.max(0, at - contextBytes)
    end = at + length
    yield {
      address: address + BigInt(at),
      match: bytes.subarray(at, end),
      context: { address: address + BigInt(begin), content: bytes.subarray(begin, end + contextBytes) },
    }
  }
  return end
}

function* occurrences(bytes: Buffer, needle: Buffer, from: number, until: number) {
  for (let at = bytes.indexOf(needle, from); at !== -1 && at < until; at = bytes.indexOf(needle, at + needle.length)) {
    yield [at, needle.length] as const
  }
}

function* expressions(bytes: Buffer, expression: RegExp, from: number, until: number) {
  const text = bytes.toString("latin1")
  expression.lastIndex = from
  for (let found = expression.exec(text); found !== null && found.index < until; found = expression.exec(text)) {
    // nothing is found everywhere
    if (found[0] === "") expression.lastIndex++
    else yield [found.index, found[0].length] as const
  }
}
