/**
 * Durations, sizes and times in words and digits, as Podman and Go's time package print them.
 *
 * Pure text in and out: whoever asks brings the duration or the timestamp, so nothing here reads a clock or a locale.
 * Times travel as RFC 3339 text because they have nanoseconds, which a Date has not.
 */
import { goQuote } from "./goQuote.ts"

const second = 1000
const minute = 60 * second
const hour = 60 * minute

/** `About a minute`, `3 weeks`. docker/go-units `duration.go`, HumanDuration. */
export const humanDuration = (millis: number): string => {
  const seconds = Math.trunc(millis / second)
  if (seconds < 1) return "Less than a second"
  if (seconds === 1) return "1 second"
  if (seconds < 60) return `${seconds} seconds`
  const minutes = Math.trunc(millis / minute)
  if (minutes === 1) return "About a minute"
  if (minutes < 60) return `${minutes} minutes`
  const hours = Math.trunc(millis / hour + 0.5)
  if (hours === 1) return "About an hour"
  if (hours < 48) return `${hours} hours`
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`
  return `${Math.trunc(millis / hour / 24 / 365)} years`
}

/** `2 minutes ago` */
export const humanAgo = (millis: number): string => `${humanDuration(millis)} ago`

const decimalUnits = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"] as const
const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"] as const

/** `2.182MB`: decimal units, digits in all. docker/go-units `size.go`, HumanSize (four) and HumanSizeWithPrecision. */
export const humanSize = (bytes: number, digits = 4): string =>
  sized(bytes, { base: 1000, units: decimalUnits, digits })

/** `1.5GiB`: binary units. docker/go-units `size.go`, BytesSize. */
export const bytesSize = (bytes: number): string => sized(bytes, { base: 1024, units: binaryUnits, digits: 4 })

/** `2.18 MB`, as the list of images has it. Podman `cmd/podman/images/list.go`. */
export const imageSize = (bytes: number): string => humanSize(bytes, 3).replace(/(?<=\d)(?=\D+$)/, " ")

interface Sizing {
  readonly base: 1000 | 1024
  readonly units: ReadonlyArray<string>
  readonly digits: number
}

const sized = (bytes: number, { base, units, digits }: Sizing): string => {
  let size = bytes
  let unit = 0
  for (; size >= base && unit < units.length - 1; unit++) size /= base
  return `${significant(size, digits)}${units[unit] ?? ""}`
}

/** Go's `%.*g`: no trailing zeros, and an exponent as soon as the whole part has more digits (`1e+03`). */
export const significant = (value: number, digits: number): string => {
  if (!Number.isFinite(value)) return value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : "NaN"
  if (value === 0) return "0"
  const precision = Math.max(1, digits)
  const [mantissa = "", exponentText = "0"] = value.toExponential(precision - 1).split("e")
  const exponent = Number(exponentText)
  if (exponent >= -4 && exponent < precision) return withoutZeros(value.toFixed(precision - 1 - exponent))
  return `${withoutZeros(mantissa)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`
}

const withoutZeros = (digits: string): string => (digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits)

const millisOf: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: second,
  m: minute,
  h: hour,
}

/** Milliseconds for `1h2m3.5s`, or what Go would say is wrong with it. Go `time`, ParseDuration. */
export const parseDuration = (text: string): number | { readonly problem: string } => {
  const invalid = { problem: `time: invalid duration ${goQuote(text)}` }
  const sign = text.startsWith("-") ? -1 : 1
  let rest = text.replace(/^[+-]/, "")
  if (rest === "0") return 0
  if (rest === "") return invalid
  let millis = 0
  while (rest !== "") {
    const digits = /^(?:\d+\.?\d*|\.\d+)/.exec(rest)?.[0]
    if (digits === undefined) return invalid
    rest = rest.slice(digits.length)
    const unit = /^[^.\d]*/.exec(rest)?.[0] ?? ""
    if (unit === "") return { problem: `time: missing unit in duration ${goQuote(text)}` }
    const scale = Object.hasOwn(millisOf, unit) ? millisOf[unit] : undefined
    if (scale === undefined) return { problem: `time: unknown unit ${goQuote(unit)} in duration ${goQuote(text)}` }
    millis += Number(digits) * scale
    rest = rest.slice(unit.length)
  }
  // Go counts nanoseconds in 63 bits
  return millis * 1e6 >= 2 ** 63 ? invalid : sign * millis
}

/** `1h2m3.5s`, `190.612ms`, `0s`. Go `time`, Duration.String. */
export const durationText = (millis: number): string => {
  const nanos = BigInt(Math.round(Math.abs(millis) * 1e6))
  const sign = millis < 0 && nanos > 0n ? "-" : ""
  if (nanos === 0n) return "0s"
  if (nanos < 1_000n) return `${sign}${nanos}ns`
  if (nanos < 1_000_000n) return `${sign}${fraction(nanos, 1_000n)}µs`
  if (nanos < 1_000_000_000n) return `${sign}${fraction(nanos, 1_000_000n)}ms`
  const minutes = nanos / 60_000_000_000n
  const seconds = `${fraction(nanos % 60_000_000_000n, 1_000_000_000n)}s`
  if (minutes === 0n) return sign + seconds
  return minutes < 60n ? `${sign}${minutes}m${seconds}` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`
}

const fraction = (nanos: bigint, unit: bigint): string => {
  const digits = String(nanos % unit)
    .padStart(String(unit).length - 1, "0")
    .replace(/0+$/, "")
  return digits === "" ? String(nanos / unit) : `${nanos / unit}.${digits}`
}

const rfc3339 = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])(\d{2}):(\d{2}))$/

/**
 * A point in time that prints as Go prints one, `2026-11-24 01:57:49.123456789 +0000 UTC`, and whose JSON is the RFC 3339
 * text it was made from. Text that is no timestamp prints as it stands.
 */
export interface GoTime {
  readonly toString: () => string
  readonly toJSON: () => string
}

export const goTime = (timestamp: string): GoTime => ({
  toString: () => goTimeText(timestamp),
  toJSON: () => timestamp,
})

/** What `goTime(timestamp)` prints. */
export const goTimeText = (timestamp: string): string => {
  const match = rfc3339.exec(timestamp)
  if (match === null) return timestamp
  const [, day, clock, digits = "", sign, hours = "00", minutes = "00"] = match
  const nanos = digits.replace(/0+$/, "")
  const offset = `${hours}${minutes}`
  const zone = sign === undefined || offset === "0000" ? "+0000 UTC" : `${sign}${offset} ${sign}${offset}`
  return `${day} ${clock}${nanos === "" ? "" : `.${nanos}`} ${zone}`
}
