import { defaultRestorePolicy, trustedRestorePolicy } from "@cryopod/entities"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { type CheckpointOrigin, parseSourcePolicies, sourcePolicy } from "../../src/policy/SourcePolicies.ts"

const parsed = (document: unknown) => Result.getOrThrow(parseSourcePolicies(JSON.stringify(document)))
const image = (...names: ReadonlyArray<string>): CheckpointOrigin => ({ _tag: "Image", names })
const archive = (...paths: ReadonlyArray<string | undefined>): CheckpointOrigin => ({ _tag: "Archive", paths })

const policies = parsed({
  default: { capabilities: [] },
  images: {
    "registry.example": "default",
    "registry.example/team": "trusted",
    "registry.example/team/web:1": "none",
    "localhost:5000": "trusted",
  },
  archives: { "/srv": "default", "/srv/checkpoints": "trusted" },
})

describe("the policy of a source", () => {
  it.each([
    [image("registry.example/other/web:1"), "registry.example"],
    [image("registry.example/team:1"), "registry.example/team"],
    [image("registry.example/team/db:1"), "registry.example/team"],
    [image("registry.example/team/web@sha256:00"), "registry.example/team"],
    [image("registry.example/team/web:1"), "registry.example/team/web:1"],
    [image("registry.example/team/web:10"), "registry.example/team"],
    [image("registry.example/teams/web:1"), "registry.example"],
    [image("registry.example.evil/team/web:1"), undefined],
    [image("localhost:5000/web:1"), "localhost:5000"],
    [image("localhost:50001/web:1"), undefined],
    [image("elsewhere.example/web:1", "registry.example/team/web:2"), "registry.example/team"],
    [image(), undefined],
    [archive("/srv/checkpoints/a/web.tar"), "/srv/checkpoints"],
    [archive("/srv/checkpoints-of-others/web.tar"), "/srv"],
    [archive("/tmp/web.tar"), undefined],
    [archive(undefined), undefined],
    [archive("/srv/checkpoints/web.tar", "/srv/checkpoints/web-before.tar"), "/srv/checkpoints"],
    // what builds on another place's is of neither
    [archive("/srv/checkpoints/web.tar", "/srv/web-before.tar"), undefined],
    [archive("/srv/checkpoints/web.tar", undefined), undefined],
  ])("%j is that of %s", (origin, entry) => {
    expect(sourcePolicy(policies, origin).entry).toBe(entry)
  })

  it("is the file's default where no entry is about it, and the engine's where that has none", () => {
    expect(sourcePolicy(policies, image()).policy).toEqual({ ...defaultRestorePolicy, capabilities: [] })
    expect(sourcePolicy(parsed({}), image()).policy).toEqual(defaultRestorePolicy)
    expect(sourcePolicy(policies, image("registry.example/team/x:1")).policy).toEqual(trustedRestorePolicy)
    expect(sourcePolicy(parsed({ archives: { "/": "none" } }), archive("/a.tar")).policy).toBe("none")
  })
})

describe("a policy file is refused", () => {
  it.each([
    ["{", /JSON/],
    ["[]", /./],
    ['{"image":{}}', /image/],
    ['{"default":"strict"}', /^default: "strict" is no policy, give default, trusted, none or a document$/],
    ['{"images":{"registry.example/":"none"}}', /^images: "registry\.example\/" is not a registry/],
    ['{"images":{"web":"none"}}', /^images: "web" is not a registry/],
    ['{"images":{"":"none"}}', /^images: "" is not a registry/],
    ['{"archives":{"checkpoints":"none"}}', /^archives: "checkpoints" is not an absolute path/],
    ['{"archives":{"/srv/../etc":"none"}}', /is not an absolute path/],
    ['{"archives":{"/srv/":"none"}}', /is not an absolute path/],
    ['{"archives":{"/srv":{"capability":[]}}}', /^archives: "\/srv": .*capability/],
    ['{"images":{"registry.example":{"capabilities":["fly"]}}}', /there is no capability fly/],
    ['{"images":{"registry.example":7}}', /7 is no policy/],
  ])("%s", (text, problem) => {
    expect(Result.match(parseSourcePolicies(text), { onFailure: (words) => words, onSuccess: () => "" })).toMatch(
      problem,
    )
  })
})
