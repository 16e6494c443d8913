/** Durations as Go writes them: `1h2m3.5s`, `250ms`. */

const unitMillis: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Milliseconds; undefined for a text that is no duration of at least nothing. */
export const goDuration = (text: string): number | undefined => {
  if (text === "0") return 0
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy)]
  if (parts.length === 0 || parts.reduce((length, [part]) => length + part.length, 0) !== text.length) return undefined
  return parts.reduce((sum, [, number = "0", unit = ""]) => sum + Number(number) * (unitMillis[unit] ?? 0), 0)
}
