import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { filterImages, type LabelledImage, matchesReference } from "../../src/index.ts"

const image = (
  id: string,
  names: ReadonlyArray<string>,
  labels: Readonly<Record<string, string>> = {},
): LabelledImage => ({
  id: id.padEnd(64, "0"),
  manifestDigest: `sha256:${id.padEnd(64, "f")}`,
  names,
  labels,
})

const images = [
  image("a1", ["localhost/web:1"], { tier: "front", team: "x" }),
  image("b2", [], { tier: "back" }),
  image("c3", ["quay.io/team/db:2", "localhost/db:latest"], { tier: "back", team: "x" }),
]

const kept = (...filters: ReadonlyArray<string>) =>
  Result.match(filterImages(images, filters), {
    onSuccess: (found) => found.map((one) => one.id.slice(0, 2)),
    onFailure: (failure) => failure.message,
  })

describe("--filter of images", () => {
  it.each([
    [[], ["a1", "b2", "c3"]],
    [["dangling=true"], ["b2"]],
    [["dangling=false"], ["a1", "c3"]],
    [["label=tier"], ["a1", "b2", "c3"]],
    [["label=tier=back"], ["b2", "c3"]],
    [["label=tier=back", "label=team=x"], ["c3"]],
    [["reference=web"], ["a1"]],
    [
      ["reference=web", "reference=quay.io/*/db"],
      ["a1", "c3"],
    ],
    [["id=c"], ["c3"]],
    [["before=web:1"], ["b2", "c3"]],
    [["since=db"], ["a1", "b2"]],
    [["dangling=false", "label=team=x", "reference=*db*"], ["c3"]],
  ])("%j", (filters, ids) => expect(kept(...filters)).toEqual(ids))

  it.each([
    ["an unknown key", "color=red", "is none of dangling"],
    ["a truth that is none", "dangling=maybe", "must be true or false"],
    ["an image that is not there", "since=nothing:1", "image not known"],
  ])("refuses %s", (_, filter, text) => expect(kept(filter)).toContain(text))
})

describe("references of images", () => {
  const one = image("a1", ["quay.io/team/web:1.2"])
  it.each([
    ["quay.io/team/web:1.2", true],
    ["quay.io/team/web", true],
    ["team/web", true],
    ["web:1.2", true],
    ["web", true],
    ["a1", true],
    ["quay.io/*/web:*", true],
    ["*/web", true],
    ["w[ea]b*", true],
    ["we?", true],
    ["web:2", false],
    ["quay.io/*", false],
    ["*eb:1", false],
    ["[!w]eb", false],
    ["b", false],
  ])("%s: %s", (reference, fits) => expect(matchesReference(one, reference)).toBe(fits))
})
