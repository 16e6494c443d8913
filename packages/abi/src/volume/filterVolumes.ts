/**
 * `--filter` of `volume ls` and `volume prune` (Podman 5.4 `pkg/domain/filters/volumes.go`). Values of one kind are
 * alternatives, kinds go together; `label` alone wants all of its values. Pure.
 */
import { VolumeFilterInvalid } from "@cryopod/entities"
import type { VolumeRecord } from "@cryopod/runtime"
import * as Result from "effect/Result"

/** A volume, and whether a container uses it. */
export interface Filtered {
  readonly record: VolumeRecord
  readonly used: boolean
}

type Predicate = (volume: Filtered) => boolean

export interface FilterInputs {
  readonly volumes: ReadonlyArray<Filtered>
  readonly filters: ReadonlyArray<string>
  readonly nowMillis: number
}

/** `volumes` are all there are, in the order of creation. */
export const filterVolumes = ({
  filters,
  nowMillis,
  volumes,
}: FilterInputs): Result.Result<ReadonlyArray<Filtered>, VolumeFilterInvalid> => {
  const kinds = new Map<string, Array<Predicate>>()
  for (const filter of filters) {
    const equals = filter.indexOf("=")
    if (equals < 0) return Result.fail(new VolumeFilterInvalid({ problem: "form", value: filter }))
    // `label!=x` is the negation, not a key with an exclamation mark
    const key = filter.slice(0, equals)
    const made = predicateOf(key, filter.slice(equals + 1), { nowMillis, volumes })
    if (Result.isFailure(made)) return Result.fail(made.failure)
    kinds.set(key, [...(kinds.get(key) ?? []), made.success])
  }
  return Result.succeed(
    volumes.filter((volume) =>
      [...kinds].every(([key, predicates]) =>
        key.startsWith("label")
          ? predicates.every((predicate) => predicate(volume))
          : predicates.some((predicate) => predicate(volume)),
      ),
    ),
  )
}

const predicateOf = (
  key: string,
  value: string,
  { nowMillis, volumes }: Pick<FilterInputs, "nowMillis" | "volumes">,
): Result.Result<Predicate, VolumeFilterInvalid> => {
  const invalid = (problem: VolumeFilterInvalid["problem"], text: string) =>
    Result.fail(new VolumeFilterInvalid({ problem, value: text }))
  switch (key) {
    case "name": {
      const pattern = patternOf(value)
      return pattern === undefined
        ? invalid("pattern", value)
        : Result.succeed(({ record }) => pattern.test(record.config.name))
    }
    case "driver":
      return Result.succeed(({ record }) => record.config.driver === value)
    case "scope":
      return Result.succeed(() => value === "local")
    case "label":
      return Result.succeed(({ record }) => holds(record.config.labels, value))
    case "label!":
      return Result.succeed(({ record }) => !holds(record.config.labels, value))
    case "opt":
      return Result.succeed(({ record }) => holds(record.config.options, value))
    case "dangling": {
      const wanted = booleans[value.toLowerCase()]
      return wanted === undefined ? invalid("dangling", value) : Result.succeed(({ used }) => used !== wanted)
    }
    case "until": {
      const instant = instantOf(value, nowMillis)
      return instant === undefined
        ? invalid("until", value)
        : Result.succeed(({ record }) => Date.parse(record.config.createdAt) < instant)
    }
    case "after":
    case "since": {
      const position = volumes.findIndex(({ record }) => record.config.name === value)
      return Result.succeed((volume) => position >= 0 && volumes.indexOf(volume) > position)
    }
    default:
      return invalid("key", key)
  }
}

const booleans: Readonly<Record<string, boolean | undefined>> = { true: true, "1": true, false: false, "0": false }

const holds = (texts: Readonly<Record<string, string>>, value: string): boolean => {
  const equals = value.indexOf("=")
  return equals < 0 ? Object.hasOwn(texts, value) : texts[value.slice(0, equals)] === value.slice(equals + 1)
}

const patternOf = (source: string): RegExp | undefined => {
  try {
    return new RegExp(source)
  } catch {
    return undefined
  }
}

const unitMillis: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A Go duration back from now (`1h30m`), Unix seconds, or a time as RFC 3339 has it. */
const instantOf = (text: string, nowMillis: number): number | undefined => {
  if (/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
    return parts.reduce((left, [, count, unit]) => left - Number(count) * (unitMillis[unit ?? ""] ?? 0), nowMillis)
  }
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000
  const instant = Date.parse(text)
  return Number.isNaN(instant) ? undefined : instant
}
