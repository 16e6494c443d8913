import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import {
  capabilityNames,
  defaultRestorePolicy,
  restorePolicyOf,
  standardCapabilities,
  trustedRestorePolicy,
} from "../../src/index.ts"

describe("a restore policy", () => {
  it.each([
    ["default", defaultRestorePolicy],
    ["trusted", trustedRestorePolicy],
    ["none", "none"],
    ["{}", defaultRestorePolicy],
    ['{"capabilities":["net_raw"]}', { ...defaultRestorePolicy, capabilities: ["CAP_NET_RAW"] }],
    ['{"capabilities":["all"]}', { ...defaultRestorePolicy, capabilities: capabilityNames }],
    ['{"users":[0,33],"seccomp":"required"}', { ...defaultRestorePolicy, users: [0, 33], seccomp: "required" }],
    [' {"devices":["/dev/fuse"]}', { ...defaultRestorePolicy, devices: ["/dev/fuse"] }],
  ])("%s", (text, policy) => {
    expect(Result.getOrThrow(restorePolicyOf(text))).toEqual(policy)
  })

  it.each([
    ["strict", /there is no such policy, use default, trusted, none or a document/],
    ["{", /JSON/],
    ["[]", /there is no such policy/],
    ['{"capability":[]}', /capability/],
    ['{"capabilities":["fly"]}', /there is no capability fly/],
    ['{"users":"some"}', /users/],
    ['{"hostParts":"keep"}', /hostParts/],
  ])("%s is none", (text, problem) => {
    expect(Result.match(restorePolicyOf(text), { onFailure: (words) => words, onSuccess: () => "" })).toMatch(problem)
  })

  it("gives a container that asks for nothing what one that is made here gets", () => {
    expect(defaultRestorePolicy.capabilities).toEqual(standardCapabilities)
  })
})
