import { describe, expect, it } from "vitest"
import { baseImages } from "../src/index.ts"

describe("the images that a Containerfile names", () => {
  it.each<[string, string, ReadonlyArray<string>, ReadonlyArray<string>]>([
    ["one", "FROM busybox\nRUN true", [], ["busybox"]],
    ["in any case, behind comments and options", "# FROM no\n  from --platform=linux/amd64 a:1", [], ["a:1"]],
    ["each once, without stages", "FROM a AS One\nFROM one\nFROM a\nFROM 0\nFROM scratch", [], ["a"]],
    ["over several lines", "FROM \\\n# between\n  a \\\n  AS x\n", [], ["a"]],
    ["by an argument with a default", "ARG B=a\nARG T=2\nFROM $B:${T}", [], ["a:2"]],
    ["by an argument that is given", "ARG B=a\nFROM ${B}", ["B=registry:5000/b"], ["registry:5000/b"]],
    ["by the default of its use", "ARG B\nFROM ${B:-c}\nFROM x${B:+y}", [], ["c", "x"]],
    ["to copy from", "FROM a AS s\nCOPY --chown=1 --from=s /x /x\nCOPY --from=tools:1 /y /y", [], ["a", "tools:1"]],
    ["to mount", "FROM a\nRUN --mount=type=bind,from=b,target=/b ls", [], ["a", "b"]],
    ["none", "RUN true\n\n", [], []],
    ["not by arguments that nobody declared", "FROM $NOPE", [], []],
  ])("%s", (_, text, given, names) => {
    expect(baseImages(text, given)).toEqual(names)
  })
})
