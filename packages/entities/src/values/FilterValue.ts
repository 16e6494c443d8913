/** What the values of `--filter` mean, the same for volumes and networks. Pure. */

/** `key` or `key=value`. */
export const labelsHold = (labels: Readonly<Record<string, string>>, value: string): boolean => {
  const equals = value.indexOf("=")
  return equals < 0 ? Object.hasOwn(labels, value) : labels[value.slice(0, equals)] === value.slice(equals + 1)
}

/** Undefined for a text that is no regular expression. */
export const patternOf = (source: string): RegExp | undefined => {
  try {
    return new RegExp(source)
  } catch {
    return undefined
  }
}

const booleans: Readonly<Record<string, boolean | undefined>> = { true: true, "1": true, false: false, "0": false }

/** Undefined for a text that is neither true nor false. */
export const truthOf = (text: string): boolean | undefined => booleans[text.toLowerCase()]

const unitMillis: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A Go duration back from now (`1h30m`), Unix seconds, or a time as RFC 3339 has it, in milliseconds; undefined for none of these. */
export const instantOf = (text: string, nowMillis: number): number | undefined => {
  if (/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
    return parts.reduce((left, [, count, unit]) => left - Number(count) * (unitMillis[unit ?? ""] ?? 0), nowMillis)
  }
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000
  const instant = Date.parse(text)
  return Number.isNaN(instant) ? undefined : instant
}
