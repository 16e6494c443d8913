import * as Result from "effect/Result"
import { expect, it } from "vitest"
import type { Network } from "../../src/reports/NetworkReports.ts"
import { defaultNetwork } from "../../src/values/NetworkDefinition.ts"
import { networkFilter } from "../../src/values/NetworkFilter.ts"

const network = (name: string, more: Partial<Network> = {}): Network => ({
  ...defaultNetwork,
  name,
  id: "0",
  created: "2026-01-01T00:00:00.000Z",
  ...more,
})

const all = [
  { ...defaultNetwork, created: "2026-01-01T00:00:00.000Z" },
  network("net-a", { labels: { tier: "front" } }),
  network("net-b", { labels: { tier: "back", old: "" }, created: "2026-01-03T00:00:00.000Z" }),
]

const filtered = (filters: ReadonlyArray<string>) =>
  Result.map(
    networkFilter({ filters, nowMillis: Date.parse("2026-01-03T12:00:00.000Z"), used: new Set(["net-b"]) }),
    (fits) =>
      all
        .filter(fits)
        .map(({ name }) => name)
        .join(" "),
  )

it.each([
  ["everything without a filter", [], "podman net-a net-b"],
  ["names by pattern", ["name=^net-"], "net-a net-b"],
  ["either of two names", ["name=net-a", "name=man"], "podman net-a"],
  ["the beginning of an id", ["id=2f25"], "podman"],
  ["a label by key and by value", ["label=tier", "label=tier=back"], "net-b"],
  ["what lacks a label", ["label!=old"], "podman net-a"],
  ["what no container is on, but the default", ["dangling=true"], "net-a"],
  ["what a container is on", ["dangling=false"], "net-b"],
  ["what was there a while ago", ["until=24h"], "podman net-a"],
  ["kinds together", ["driver=bridge", "name=a"], "podman net-a"],
] as const)("lets through %s", (_, filters, expected) => {
  expect(filtered(filters)).toEqual(Result.succeed(expected))
})

it.each([
  ["foo=1", 'invalid filter "foo"'],
  ["name", "filter input must be in the form of filter=value: name is invalid"],
  ["dangling=maybe", 'invalid dangling filter value "maybe"'],
  ["until=soon", '"soon" is no duration and no time'],
])("refuses %s", (filter, message) => {
  expect(Result.getFailure(filtered([filter]))).toMatchObject({ value: { message } })
})
