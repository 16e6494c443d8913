/**
 * `--filter` of `volume ls` and `volume prune` (Podman 5.4 `pkg/domain/filters/volumes.go`). Values of one kind are
 * alternatives, kinds go together; `label` alone wants all of its values. Pure.
 */
import { instantOf, labelsHold, patternOf, truthOf, VolumeFilterInvalid } from "@cryopod/entities"
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
      return Result.succeed(({ record }) => labelsHold(record.config.labels, value))
    case "label!":
      return Result.succeed(({ record }) => !labelsHold(record.config.labels, value))
    case "opt":
      return Result.succeed(({ record }) => labelsHold(record.config.options, value))
    case "dangling": {
      const wanted = truthOf(value)
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
