/** Instants as libpod's parameters write them: RFC 3339, Unix seconds with fractions, or a Go duration before now. */
import { goDuration } from "./goDuration.ts"

/** Go's zero time, which clients send for an instant that nobody gave. */
export const zeroTime = "0001-01-01T00:00:00Z"

/** Unix milliseconds; undefined for a text that is none of these. */
export const instantOf = (text: string, now: number): number | undefined => {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  const ago = goDuration(text)
  if (ago !== undefined) return now - ago
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}
