import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { applyChanges } from "../src/index.ts"

describe("--change", () => {
  it.each([
    [['CMD ["sh", "-c", "x"]'], { Cmd: ["sh", "-c", "x"] }],
    [["CMD sleep 1"], { Cmd: ["/bin/sh", "-c", "sleep 1"] }],
    [["cmd=/bin/sh"], { Cmd: ["/bin/sh", "-c", "/bin/sh"] }],
    [["CMD [broken"], { Cmd: ["/bin/sh", "-c", "[broken"] }],
    [['ENTRYPOINT ["/init"]'], { Entrypoint: ["/init"] }],
    [["ENV A=1", "ENV B=2", "ENV A=3"], { Env: ["A=3", "B=2"] }],
    [["ENV A=1 B=two"], { Env: ["A=1", "B=two"] }],
    [["ENV A=a=b"], { Env: ["A=a=b"] }],
    [["ENV A one two"], { Env: ["A=one two"] }],
    [["ENV A=\"one two\" B='x y' C=a\\ b"], { Env: ["A=one two", "B=x y", "C=a b"] }],
    [["ENV=A=1"], { Env: ["A=1"] }],
    [["EXPOSE 80", "EXPOSE 53/udp"], { ExposedPorts: { "80/tcp": {}, "53/udp": {} } }],
    [['LABEL a=b "c d"="e f"'], { Labels: { a: "b", "c d": "e f" } }],
    [["STOPSIGNAL SIGTERM"], { StopSignal: "SIGTERM" }],
    [["USER 1000:1000"], { User: "1000:1000" }],
    [["WORKDIR /srv"], { WorkingDir: "/srv" }],
    [['VOLUME ["/a", "/b"]'], { Volumes: { "/a": {}, "/b": {} } }],
  ])("%j", (changes, config) => expect(Result.getOrThrow(applyChanges(changes))).toEqual(config))

  it.each([
    ["an unknown instruction", "RUN true", "none of"],
    ["no value", "CMD", "KEY VALUE"],
    ["a relative directory", "WORKDIR srv", "absolute"],
    ["a port that is none", "EXPOSE web", "port"],
    ["a port out of range", "EXPOSE 70000", "port"],
    ["a variable without a value", "ENV A", "KEY=VALUE"],
    ["a label without a value", "LABEL a=b c", "KEY=VALUE"],
  ])("refuses %s", (_, change, problem) => {
    const failure = Result.match(applyChanges([change]), { onSuccess: () => undefined, onFailure: (error) => error })
    expect(failure?.problem).toContain(problem)
  })
})
