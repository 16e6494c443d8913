/**
 * `--filter` of `network ls` and `network prune` (Podman 5.4 `pkg/domain/filters/networks.go`, podman-network-ls.1). Values of
 * one kind are alternatives, kinds go together; `label` wants all of its values. Pure.
 */
import * as Result from "effect/Result"
import { NetworkFilterInvalid } from "../failures/NetworkFailures.ts"
import type { Network } from "../reports/NetworkReports.ts"
import { instantOf, labelsHold, patternOf, truthOf } from "./FilterValue.ts"
import { defaultNetworkName } from "./NetworkDefinition.ts"

export interface NetworkFilterInputs {
  readonly filters: ReadonlyArray<string>
  readonly nowMillis: number
  /** Names of the networks that containers are on. */
  readonly used: ReadonlySet<string>
}

type Test = (network: Network) => boolean

/** Read the filters, or refuse one that nobody knows. */
export const networkFilter = (inputs: NetworkFilterInputs): Result.Result<Test, NetworkFilterInvalid> => {
  const kinds = new Map<string, Array<Test>>()
  for (const filter of inputs.filters) {
    if (!filter.includes("=")) return Result.fail(new NetworkFilterInvalid({ problem: "form", value: filter }))
    const [key = "", value = ""] = filter.split(/=(.*)/s)
    const test = testOf(key, value, inputs)
    if (Result.isFailure(test)) return Result.fail(test.failure)
    kinds.set(key, [...(kinds.get(key) ?? []), test.success])
  }
  return Result.succeed((network) =>
    [...kinds].every(([key, tests]) =>
      key.startsWith("label") ? tests.every((test) => test(network)) : tests.some((test) => test(network)),
    ),
  )
}

const testOf = (key: string, value: string, inputs: NetworkFilterInputs): Result.Result<Test, NetworkFilterInvalid> => {
  const invalid = (problem: NetworkFilterInvalid["problem"], text: string) =>
    Result.fail(new NetworkFilterInvalid({ problem, value: text }))
  switch (key) {
    case "name": {
      const pattern = patternOf(value)
      return pattern === undefined ? invalid("pattern", value) : Result.succeed(({ name }) => pattern.test(name))
    }
    case "id": {
      const pattern = patternOf(`^(?:${value})`)
      return pattern === undefined ? invalid("pattern", value) : Result.succeed(({ id }) => pattern.test(id))
    }
    case "driver":
      return Result.succeed(({ driver }) => driver === value)
    case "label":
      return Result.succeed(({ labels }) => labelsHold(labels ?? {}, value))
    case "label!":
      return Result.succeed(({ labels }) => !labelsHold(labels ?? {}, value))
    case "dangling": {
      const wanted = truthOf(value)
      // the default network is there whether it is used or not
      return wanted === undefined
        ? invalid("dangling", value)
        : Result.succeed(({ name }) => name !== defaultNetworkName && inputs.used.has(name) !== wanted)
    }
    case "until": {
      const instant = instantOf(value, inputs.nowMillis)
      return instant === undefined
        ? invalid("until", value)
        : Result.succeed(({ created }) => Date.parse(created) < instant)
    }
    default:
      return invalid("key", key)
  }
}
