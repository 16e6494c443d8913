import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { containerFilter, type ContainerSummary } from "../../src/index.ts"

const row = (changes: Partial<ContainerSummary>): ContainerSummary => ({
  AutoRemove: false,
  Command: [],
  Created: "",
  CreatedAt: "",
  CreatedUnix: 0,
  Exited: false,
  ExitedAt: 0,
  ExitCode: 0,
  Id: "abc",
  Image: "quay.io/team/web:2",
  ImageID: "fff",
  IsInfra: false,
  Labels: {},
  Mounts: [],
  Names: ["web"],
  Networks: [],
  Pid: 0,
  Pod: "",
  PodName: "",
  Ports: [],
  ExposedPorts: {},
  Restarts: 0,
  Size: null,
  StartedAt: 0,
  State: "running",
  Status: "Up",
  ...changes,
})

const inputs = {
  nowMillis: Date.parse("2026-01-02T00:00:00Z"),
  containers: [{ id: "ccc", name: "db", config: { createdAt: "2026-01-01T12:00:00Z" } }],
}

const fits = (filters: ReadonlyArray<string>, changes: Partial<ContainerSummary>) =>
  Result.getOrThrow(containerFilter(filters, inputs)).fits(row(changes))

describe("a container", () => {
  it.each([
    ["begins with the id", ["id=ab"], {}, true],
    ["has another id", ["id=b"], {}, false],
    ["has a name that fits the expression", ["name=^w"], {}, true],
    ["is named by a broken expression", ["name=("], {}, false],
    ["is in the state", ["status=paused"], { State: "paused" }, true],
    ["is exited, which is also called stopped", ["status=stopped"], { State: "exited" }, true],
    ["has the label", ["label=tier"], { Labels: { tier: "x" } }, true],
    ["has another value of the label", ["label=tier=y"], { Labels: { tier: "x" } }, false],
    ["has not the label", ["label!=tier"], {}, true],
    ["has the label that it must not have", ["label!=tier=x"], { Labels: { tier: "x" } }, false],
    ["is as healthy as that", ["health=healthy"], { Status: "healthy" }, true],
    ["was created before another", ["before=db"], { Created: "2026-01-01T11:00:00Z" }, true],
    ["was created after another", ["before=db"], { Created: "2026-01-01T13:00:00Z" }, false],
    ["was created since another", ["since=db"], { Created: "2026-01-01T13:00:00Z" }, true],
    ["is older than that", ["until=1h"], { Created: "2026-01-01T13:00:00Z" }, true],
    ["is younger than that", ["until=24h"], { Created: "2026-01-01T13:00:00Z" }, false],
    ["ended with the code", ["exited=3"], { State: "exited", ExitCode: 3 }, true],
    ["has not ended", ["exited=0"], {}, false],
    ["comes from the image by full name", ["ancestor=quay.io/team/web:2"], {}, true],
    ["comes from the image by last part", ["ancestor=web"], {}, true],
    ["comes from the image by id", ["ancestor=ff"], {}, true],
    ["comes from another image", ["ancestor=eb"], {}, false],
    ["fits one of two values", ["name=db", "name=web"], {}, true],
    ["fits one of two keys", ["name=web", "status=exited"], {}, false],
  ] as const)("%s", (_, filters, changes, expected) => {
    expect(fits(filters, changes)).toBe(expected)
  })
})

it.each([
  ["colour=blue", "colour is an invalid filter"],
  ["name", 'invalid filter "name"'],
  ["", 'invalid filter ""'],
  ["since=web", 'no container with name or ID "web" found: no such container'],
  ["until=soon", 'failed to parse value as time or duration: "soon"'],
  ["status=ill", "unknown container state: ill: invalid argument"],
  ["exited=x", "exited code out of range '\\x00': strconv.ParseInt: parsing \"x\": invalid syntax"],
])("refuses %s", (filter, message) => {
  const refused = containerFilter([filter], inputs)
  expect(Result.isFailure(refused) && refused.failure.message).toBe(message)
})

it("looks at every state when asked about one", () => {
  expect(Result.getOrThrow(containerFilter(["status=exited"], inputs)).everyState).toBe(true)
  expect(Result.getOrThrow(containerFilter(["name=web"], inputs)).everyState).toBe(false)
})
