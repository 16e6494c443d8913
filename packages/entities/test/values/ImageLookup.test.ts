import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { findImage, type NamedImage } from "../../src/index.ts"

const image = (id: string, names: ReadonlyArray<string>): NamedImage => ({
  id: id.padEnd(64, "0"),
  manifestDigest: `sha256:${id.padEnd(64, "f")}`,
  names,
})

const store = [
  image("aaa1", ["localhost/web:latest", "quay.io/team/web:2"]),
  image("aab2", ["docker.io/library/web:latest", "docker.io/library/alpine:3"]),
  image("bbb3", ["registry.example/mirror/busybox:latest"]),
  image("ccc4", [`quay.io/pinned@sha256:${"ccc4".padEnd(64, "f")}`]),
  image("ddd5", ["localhost/aab:latest"]),
]

const idOf = (ref: string) =>
  Result.match(findImage(store, ref), {
    onSuccess: (found) => found.image.id.slice(0, 4),
    onFailure: (error) => error._tag,
  })

describe("looking up", () => {
  it.each([
    ["a full name", "quay.io/team/web:2", "aaa1"],
    ["a short name, here before Docker Hub", "web", "aaa1"],
    ["a short name of Docker Hub", "alpine:3", "aab2"],
    ["a name of Docker Hub without library", "docker.io/alpine:3", "aab2"],
    ["the end of a name, when nothing is closer", "busybox", "bbb3"],
    ["more of the end of a name", "mirror/busybox:latest", "bbb3"],
    ["the beginning of an id", "bb", "bbb3"],
    ["one digit of an id", "c", "ccc4"],
    ["a full id", "aab2".padEnd(64, "0"), "aab2"],
    ["a full id with its algorithm", `sha256:${"aab2".padEnd(64, "0")}`, "aab2"],
    ["a manifest digest", `sha256:${"aab2".padEnd(64, "f")}`, "aab2"],
    ["a name with the digest it was pulled by", `quay.io/pinned@sha256:${"ccc4".padEnd(64, "f")}`, "ccc4"],
    ["a name with the digest of its manifest", `web@sha256:${"aaa1".padEnd(64, "f")}`, "aaa1"],
    ["a name before the beginning of an id", "aab", "ddd5"],
    ["an id that fits several", "aa", "ImageAmbiguous"],
    ["a tag that is not there", "web:9", "ImageNotFound"],
    ["a registry that is not there", "quay.io/busybox", "ImageNotFound"],
    ["a digest under a wrong name", `alpine@sha256:${"aaa1".padEnd(64, "f")}`, "ImageNotFound"],
    ["something that is no name", "No Name", "ReferenceInvalid"],
  ])("%s", (_, ref, id) => expect(idOf(ref)).toBe(id))

  it("says which name was meant", () => {
    expect(Result.getOrThrow(findImage(store, "web")).name).toBe("localhost/web:latest")
    expect(Result.getOrThrow(findImage(store, "bbb")).name).toBeUndefined()
  })
})
