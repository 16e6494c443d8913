import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { checkpointFacts, distributionOf, goArchitecture, hostFacts } from "../../src/system/HostFacts.ts"
import { uptimeText } from "../../src/system/SystemInfo.ts"
import { fakeHost, says } from "./fakeTools.ts"

describe("the distribution", () => {
  it.each([
    [
      'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\nID=debian\n',
      "debian",
      "12",
    ],
    ["ID='opensuse-tumbleweed'\nID_LIKE=\"opensuse suse\"\nVERSION_ID='20261120'\n", "opensuse-tumbleweed", "20261120"],
    ["NAME=Arch\nID=arch\nBUILD_ID=rolling\n", "arch", "unknown"],
    ['ID="a\\"b"\nVERSION_ID=""\n', 'a"b', "unknown"],
    ["", "unknown", "unknown"],
  ])("of %j is %s %s", (text, name, version) => expect(distributionOf(text)).toEqual({ name, version }))
})

describe("facts for a checkpoint", () => {
  it("has Go's names of architectures", () => {
    expect(["x64", "arm64", "s390x", "ppc64"].map(goArchitecture)).toEqual(["amd64", "arm64", "s390x", "ppc64le"])
  })

  it("says what made it", async () => {
    using host = fakeHost()
    host.install("criu", says("Version: 4.2.1"))
    host.install("runc", says("runc version 1.1.15", "spec: 1.2.0"))
    host.install("conmon", says("conmon version 2.1.12", "commit: unknown"))
    const facts = await Effect.runPromise(checkpointFacts("runc").pipe(Effect.provide(host.services())))
    expect(facts).toEqual({
      ...(await Effect.runPromise(hostFacts)),
      criuVersion: 40_201,
      runtimeName: "runc",
      runtimeVersion: "runc version 1.1.15\nspec: 1.2.0",
      conmonVersion: "conmon version 2.1.12, commit: unknown",
    })
    expect(facts.kernelRelease).toMatch(/^\d+\.\d+/)
    expect(["v1", "v2"]).toContain(facts.cgroupVersion)
  })
})

it.each([
  [10, "0h 0m 10.00s"],
  [3010.5, "0h 50m 10.50s"],
  [90_000, "25h 0m 0.00s (Approximately 1.04 days)"],
])("writes %i seconds of uptime as %s", (seconds, text) => expect(uptimeText(seconds)).toBe(text))
