/** What a service says while it runs: lines of `key=value` on standard error, at and above a level. */
import { writeSync } from "node:fs"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { LogLevel } from "effect/LogLevel"
import * as References from "effect/References"

const levels: Readonly<Record<string, LogLevel>> = {
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  warning: "Warn",
  error: "Error",
  fatal: "Fatal",
  panic: "Fatal",
}

const toStandardError = Logger.make(({ cause, date, fiber, logLevel, message }) => {
  const annotations = fiber.getRef(References.CurrentLogAnnotations)
  const said = (Array.isArray(message) ? message : [message]).map(String).join(" ")
  const fields = {
    time: date.toISOString(),
    level: logLevel.toLowerCase(),
    msg: said,
    ...annotations,
    ...(cause.reasons.length === 0 ? {} : { cause: String(cause) }),
  }
  const line = Object.entries(fields)
    .map(([name, value]) => `${name}=${valueText(value)}`)
    .join(" ")
  try {
    writeSync(2, `${line}\n`)
  } catch {
    // nobody reads it
  }
})

/** Plain words as they are, everything else as JSON, so that a line is one line. */
const valueText = (value: unknown): string => {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value))
  return /^[\w./:@+-]+$/.test(text) ? text : JSON.stringify(text)
}

export const logTo =
  (level: string) =>
  <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    work.pipe(
      Effect.provideService(References.MinimumLogLevel, levels[level.toLowerCase()] ?? "Warn"),
      Effect.provide(Logger.layer([toStandardError]) as Layer.Layer<never>),
    )
