import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import {
  formatPlace,
  formatReference,
  localCandidates,
  newName,
  parsePlace,
  parseReference,
  remoteName,
} from "../../src/index.ts"

const hex = "a".repeat(64)
const digest = `sha256:${hex}`

describe("names", () => {
  it.each([
    ["busybox", { path: "busybox" }],
    ["busybox:1.36", { path: "busybox", tag: "1.36" }],
    ["library/busybox", { path: "library/busybox" }],
    ["quay.io/a/b:c", { registry: "quay.io", path: "a/b", tag: "c" }],
    ["localhost/web", { registry: "localhost", path: "web" }],
    ["localhost:5000/web", { registry: "localhost:5000", path: "web" }],
    ["127.0.0.1:5000/web:1", { registry: "127.0.0.1:5000", path: "web", tag: "1" }],
    ["[::1]:5000/web", { registry: "[::1]:5000", path: "web" }],
    [`quay.io/a@${digest}`, { registry: "quay.io", path: "a", digest }],
    [`quay.io/a:1@${digest}`, { registry: "quay.io", path: "a", tag: "1", digest }],
    ["a__b/c-d.e", { path: "a__b/c-d.e" }],
    ["web:5000", { path: "web", tag: "5000" }],
  ])("reads %s and writes it back", (text, expected) => {
    const reference = Result.getOrThrow(parseReference(text))
    expect(reference).toEqual(expected)
    expect(formatReference(reference)).toBe(text)
  })

  it.each([
    ["an empty text", "", "repository name must have at least one component"],
    ["uppercase", "Web", "repository name must be lowercase"],
    ["uppercase after a registry", "quay.io/Web", "repository name must be lowercase"],
    ["a blank", "a b", "invalid reference format"],
    ["a path that climbs", "../a", "invalid reference format"],
    ["a double slash", "a//b", "invalid reference format"],
    ["a tag that begins with a dot", "a:.b", "invalid reference format"],
    ["an empty tag", "a:", "invalid reference format"],
    ["a tag alone", ":a", "invalid reference format"],
    ["an unknown digest", "a@md5:abc", "invalid reference format"],
    ["a short digest", "a@sha256:abc", "invalid reference format"],
    ["an id as a name", hex, "invalid repository name, cannot specify 64-byte hexadecimal strings"],
    ["a name that is too long", "a".repeat(256), "repository name must not be more than 255 characters"],
    ["a registry with a bad port", "host:port/a", "invalid reference format"],
  ])("refuses %s", (_, text, problem) => {
    const failure = Result.match(parseReference(text), { onSuccess: () => undefined, onFailure: (error) => error })
    expect(failure?.message).toBe(`parsing reference ${JSON.stringify(text)}: ${problem}`)
  })

  it.each([
    ["find", "No/Good", 'parsing reference "No/Good": repository name must be lowercase'],
    ["tag", "No/Good", 'normalizing name "No/Good": normalizing name "No/Good": repository name must be lowercase'],
    ["untag", "No/Good", 'normalizing name "No/Good": repository name must be lowercase'],
    ["build", "No/Good", "tag No/Good: invalid reference format: repository name must be lowercase"],
    ["build", "a b", "tag a b: invalid reference format"],
  ] as const)("says what it wanted to %s %s for", (use, text, message) => {
    const failure = Result.match(parseReference(text, use), { onSuccess: () => undefined, onFailure: (error) => error })
    expect(failure?.message).toBe(message)
  })

  it.each([
    ["web", "localhost/web:latest"],
    ["team/web:1", "localhost/team/web:1"],
    ["quay.io/team/web", "quay.io/team/web:latest"],
    ["localhost:5000/web:1", "localhost:5000/web:1"],
  ])("a new image called %s is %s", (text, full) => expect(Result.getOrThrow(newName(text))).toBe(full))

  it("does not name a new image by a digest", () => {
    expect(Result.isFailure(newName(`web@${digest}`))).toBe(true)
  })

  it.each([
    ["alpine", "docker.io/library/alpine:latest"],
    ["team/web:1", "docker.io/team/web:1"],
    ["docker.io/alpine", "docker.io/library/alpine:latest"],
    [`alpine:3@${digest}`, `docker.io/library/alpine@${digest}`],
    ["localhost:5000/web", "localhost:5000/web:latest"],
  ])("%s in a registry is %s", (text, full) => expect(Result.getOrThrow(remoteName(text))).toBe(full))

  it.each([
    ["web", ["localhost/web:latest", "docker.io/library/web:latest", "web:latest"]],
    ["a/web:1", ["localhost/a/web:1", "docker.io/a/web:1", "a/web:1"]],
    ["quay.io/web:1", ["quay.io/web:1"]],
    ["docker.io/web", ["docker.io/web:latest", "docker.io/library/web:latest"]],
    [`web:1@${digest}`, [`localhost/web@${digest}`, `docker.io/library/web@${digest}`, `web@${digest}`]],
  ])("%s may be %j in the store", (text, names) =>
    expect(localCandidates(Result.getOrThrow(parseReference(text))).map(formatReference)).toEqual(names),
  )
})

describe("places", () => {
  it.each([
    ["alpine", "docker://docker.io/library/alpine:latest"],
    ["docker://localhost:5000/web:1", "docker://localhost:5000/web:1"],
    ["oci:/tmp/layout", "oci:/tmp/layout"],
    ["oci:/tmp/layout:web", "oci:/tmp/layout:web"],
    ["oci-archive:x.tar", "oci-archive:x.tar"],
    ["docker-archive:/x.tar:a/b:1", "docker-archive:/x.tar:a/b:1"],
    ["dir:/tmp/a:b", "dir:/tmp/a:b"],
    ["docker-daemon:alpine:latest", "docker-daemon:alpine:latest"],
  ])("%s is %s for skopeo", (text, place) => expect(formatPlace(Result.getOrThrow(parsePlace(text)))).toBe(place))

  it.each(["oci:", "docker://Web", "dir:", "no such:place"])("refuses %s", (text) => {
    expect(Result.isFailure(parsePlace(text))).toBe(true)
  })
})
