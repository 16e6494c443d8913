/**
 * A command that tells whether a container is well, and how often it is asked (podman-run.1 `--health-*`; Docker image
 * specification, `Healthcheck`). Times are milliseconds.
 */
import * as Schema from "effect/Schema"
import { parseGoDuration } from "./GoDuration.ts"

export const HealthCheck = Schema.Struct({
  /** `CMD` and words, or `CMD-SHELL` and one script for /bin/sh. */
  test: Schema.Array(Schema.String),
  /** Time between two checks; 0 for none but those that are asked for. */
  intervalMillis: Schema.Finite,
  timeoutMillis: Schema.Finite,
  /** Failures in this time after a start do not count. */
  startPeriodMillis: Schema.Finite,
  /** Failures in a row after which the container is unhealthy. */
  retries: Schema.Int,
})
export type HealthCheck = typeof HealthCheck.Type

/** What an image says about it, in nanoseconds, and libpod's `healthcheck` of a container. */
export const HealthConfig = Schema.Struct({
  Test: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  Interval: Schema.optionalKey(Schema.Finite),
  Timeout: Schema.optionalKey(Schema.Finite),
  StartPeriod: Schema.optionalKey(Schema.Finite),
  Retries: Schema.optionalKey(Schema.Int),
})
export type HealthConfig = typeof HealthConfig.Type

/** The options of `create` that are about it. */
export interface HealthOptions {
  readonly healthCmd: string
  readonly healthInterval: string
  readonly healthRetries: number
  readonly healthTimeout: string
  readonly healthStartPeriod: string
  readonly noHealthcheck: boolean
}

/** Podman's defaults; an image may leave out what it has nothing to say about. */
const standard = { interval: "30s", timeout: "30s", startPeriod: "0s", retries: 3 }
export const healthDefaults = standard

const nanos = 1e6

/** The check that is wanted; undefined for none, and a text, in Podman's words, when the options do not fit. */
export const healthCheckOf = (
  options: HealthOptions,
  image: HealthConfig | undefined,
): HealthCheck | undefined | string => {
  if (options.noHealthcheck) {
    return options.healthCmd === "" ? undefined : "cannot specify both --no-healthcheck and --health-cmd"
  }
  if (options.healthCmd === "") return healthCheckFrom(image)
  const test = testOf(options.healthCmd)
  if (test.length === 0) return "must define a healthcheck command for all healthchecks"
  if (test[0] === "NONE") return undefined
  const interval = options.healthInterval === "disable" ? 0 : parseGoDuration(options.healthInterval)
  if (typeof interval !== "number") return `invalid healthcheck-interval: ${interval.problem}`
  if (options.healthRetries < 1) return "healthcheck-retries must be greater than 0"
  const timeout = parseGoDuration(options.healthTimeout)
  if (typeof timeout !== "number") return `invalid healthcheck-timeout: ${timeout.problem}`
  if (timeout <= 0) return "healthcheck-timeout must be at least 1 second"
  const startPeriod = parseGoDuration(options.healthStartPeriod)
  if (typeof startPeriod !== "number") return `invalid healthcheck-start-period: ${startPeriod.problem}`
  if (startPeriod < 0) return "healthcheck-start-period must be 0 seconds or greater"
  return {
    test,
    intervalMillis: interval,
    timeoutMillis: timeout,
    startPeriodMillis: startPeriod,
    retries: options.healthRetries,
  }
}

/** A JSON list of words, a command line, or one of both with a keyword before it (Podman `pkg/specgenutil`). */
const testOf = (text: string): ReadonlyArray<string> => {
  const list = wordsOf(text)
  const words = list ?? text.split(" ", 2)
  const keyword = words[0]?.toUpperCase()
  if (keyword === "CMD" || keyword === "NONE") {
    const rest = list ?? text.split(/\s+/).filter((word) => word !== "")
    return keyword === "NONE" ? ["NONE"] : ["CMD", ...rest.slice(1)]
  }
  if (keyword === "CMD-SHELL") return list ?? ["CMD-SHELL", text.slice(text.indexOf(" ") + 1)]
  if (list !== undefined && list.length > 1) return ["CMD", ...list]
  return text === "" ? [] : ["CMD-SHELL", list === undefined ? text : (list[0] ?? "")]
}

const wordsOf = (text: string): ReadonlyArray<string> | undefined => {
  try {
    const words: unknown = JSON.parse(text)
    return Array.isArray(words) && words.every((word) => typeof word === "string") ? words : undefined
  } catch {
    return undefined
  }
}

/** From libpod's or an image's form; undefined for none. */
export const healthCheckFrom = (config: HealthConfig | null | undefined): HealthCheck | undefined => {
  const test = config?.Test ?? []
  if (config === undefined || config === null || test.length === 0 || test[0] === "NONE") return undefined
  const millis = (value: number | undefined, otherwise: number) => (value ? value / nanos : otherwise)
  return {
    test,
    intervalMillis: millis(config.Interval, 30_000),
    timeoutMillis: millis(config.Timeout, 30_000),
    startPeriodMillis: millis(config.StartPeriod, 0),
    retries: config.Retries || standard.retries,
  }
}

export const healthConfigOf = (check: HealthCheck): HealthConfig => ({
  Test: check.test,
  ...(check.startPeriodMillis === 0 ? {} : { StartPeriod: check.startPeriodMillis * nanos }),
  Interval: check.intervalMillis * nanos,
  Timeout: check.timeoutMillis * nanos,
  Retries: check.retries,
})

/** The words that a check runs in the container. */
export const healthCommand = ({ test: [kind, ...words] }: HealthCheck): readonly [string, ...ReadonlyArray<string>] => {
  if (kind === "CMD-SHELL") return ["/bin/sh", "-c", words.join(" ")]
  const [program = "", ...rest] = words
  return [program, ...rest]
}

export const HealthStatus = Schema.Literals(["starting", "healthy", "unhealthy"])
export type HealthStatus = typeof HealthStatus.Type

/** One check. Instants are RFC 3339. */
export const HealthLog = Schema.Struct({
  Start: Schema.String,
  End: Schema.String,
  ExitCode: Schema.Int,
  Output: Schema.String,
})
export type HealthLog = typeof HealthLog.Type

/** libpod's HealthCheckResults; the status is empty without a check. */
export const HealthResults = Schema.Struct({
  Status: Schema.Union([HealthStatus, Schema.Literal("")]),
  FailingStreak: Schema.Int,
  Log: Schema.NullOr(Schema.Array(HealthLog)),
})
export type HealthResults = typeof HealthResults.Type

export const beginningHealth: HealthResults = { Status: "starting", FailingStreak: 0, Log: [] }

/** How many checks are kept, and how much of what each said (libpod `libpod/healthcheck.go`). */
const keptChecks = 5
const keptOutput = 500

/** What is known after one more check; failures in the start period do not count. */
export const healthAfter = (
  before: HealthResults,
  last: HealthLog,
  { counts, retries }: { readonly counts: boolean; readonly retries: number },
): HealthResults => {
  const log = [...(before.Log ?? []), { ...last, Output: last.Output.slice(0, keptOutput) }].slice(-keptChecks)
  if (last.ExitCode === 0) return { Status: "healthy", FailingStreak: 0, Log: log }
  const streak = counts ? before.FailingStreak + 1 : before.FailingStreak
  return { Status: streak >= retries ? "unhealthy" : before.Status || "starting", FailingStreak: streak, Log: log }
}
