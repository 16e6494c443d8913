/** Durations as Go writes them: `1h2m3.5s`, `250ms` (Go `time`, ParseDuration). */

const unitMillis: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Milliseconds, or what Go would say is wrong with the text. */
export const parseGoDuration = (text: string): number | { readonly problem: string } => {
  const sign = text.startsWith("-") ? -1 : 1
  const rest = text.replace(/^[+-]/, "")
  if (rest === "0") return 0
  const parts = [...rest.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy)]
  if (parts.length === 0 || parts.reduce((length, [part]) => length + part.length, 0) !== rest.length) {
    const quoted = JSON.stringify(text)
    return {
      problem: /^[\d.]+$/.test(rest) ? `time: missing unit in duration ${quoted}` : `time: invalid duration ${quoted}`,
    }
  }
  return sign * parts.reduce((sum, [, number = "0", unit = ""]) => sum + Number(number) * (unitMillis[unit] ?? 0), 0)
}
