/** Filters of `volume ls` and `volume prune`. */
import type { VolumeRecord } from "@cryopod/runtime"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { type Filtered, filterVolumes } from "../../src/volume/filterVolumes.ts"

const volume = (
  name: string,
  used: boolean,
  more: Partial<Pick<VolumeRecord["config"], "createdAt" | "labels" | "options">> = {},
): Filtered => ({
  used,
  record: {
    config: {
      name,
      createdAt: "2026-01-01T00:00:00.000Z",
      driver: "local",
      labels: {},
      options: {},
      anonymous: false,
      ...more,
    },
    state: { needsCopyUp: true, needsChown: true },
  },
})

const volumes = [
  volume("data", true, { labels: { a: "b", c: "" } }),
  volume("cache", false, { labels: { a: "x" }, options: { type: "tmpfs" }, createdAt: "2026-01-02T00:00:00.000Z" }),
  volume("data-2", false, { createdAt: "2026-01-03T00:00:00.000Z" }),
]

const filtered = (...filters: ReadonlyArray<string>) =>
  Result.map(filterVolumes({ volumes, filters, nowMillis: Date.parse("2026-01-03T12:00:00.000Z") }), (found) =>
    found.map(({ record }) => record.config.name).join(" "),
  )

describe("lets through", () => {
  it.each([
    ["everything without a filter", [], "data cache data-2"],
    ["names by pattern", ["name=^data"], "data data-2"],
    ["either of two names", ["name=cache", "name=2$"], "cache data-2"],
    ["a label by key", ["label=a"], "data cache"],
    ["a label by value", ["label=a=b"], "data"],
    ["all of several labels", ["label=a", "label=c"], "data"],
    ["what lacks a label", ["label!=a"], "data-2"],
    ["an option by key and by value", ["opt=type", "opt=type=tmpfs"], "cache"],
    ["what no container uses", ["dangling=true"], "cache data-2"],
    ["what a container uses", ["dangling=false"], "data"],
    ["what came after another", ["since=data"], "cache data-2"],
    ["nothing after one that is not there", ["after=nope"], ""],
    ["what was there a while ago", ["until=24h"], "data cache"],
    ["what was there at an instant", ["until=2026-01-02T00:00:00Z"], "data"],
    ["kinds together", ["dangling=true", "name=data"], "data-2"],
    ["scope and driver", ["scope=local", "driver=local"], "data cache data-2"],
    ["no other scope", ["scope=global"], ""],
  ] as const)("%s", (_, filters, expected) => {
    expect(filtered(...filters)).toEqual(Result.succeed(expected))
  })
})

describe("refuses", () => {
  it.each([
    ["foo=bar", '"foo" is an invalid volume filter'],
    ["name", "filter input must be in the form of filter=value: name is invalid"],
    ["dangling=maybe", '"maybe" is not a valid value for the "dangling" filter - must be true or false'],
    ["until=soon", '"soon" is no duration and no time'],
    ["name=(", '"(" is no regular expression'],
  ])("%s", (filter, message) => {
    expect(Result.getFailure(filtered(filter))).toMatchObject({ value: { message } })
  })
})
