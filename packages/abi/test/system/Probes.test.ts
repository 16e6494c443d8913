import { existsSync, readFileSync, writeFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { criuProblem, Probes } from "../../src/system/Probes.ts"
import { type FakeHost, fakeHost, says } from "./fakeTools.ts"

const inProcess = <A, E>(
  host: FakeHost,
  use: (probes: Probes["Service"]) => Effect.Effect<A, E>,
  kernelRelease?: string,
) => Effect.runPromise(Probes.use(use).pipe(Effect.provide(host.services(kernelRelease))))

const failure = <A, E>(
  host: FakeHost,
  use: (probes: Probes["Service"]) => Effect.Effect<A, E>,
  kernelRelease?: string,
) => inProcess(host, (probes) => Effect.flip(use(probes)), kernelRelease)

describe("what programs say of themselves", () => {
  it("is all lines of a runtime, and one line of conmon", async () => {
    using host = fakeHost()
    host.install("crun", says("crun version 1.21", "commit: 1026", "+SYSTEMD +CRIU +YAJL"))
    host.install("conmon", says("conmon version 2.1.12", "commit: unknown"))
    expect(await inProcess(host, (probes) => probes.runtimeVersion("crun"))).toBe(
      "crun version 1.21\ncommit: 1026\n+SYSTEMD +CRIU +YAJL",
    )
    expect(await inProcess(host, (probes) => probes.conmonVersion)).toBe("conmon version 2.1.12, commit: unknown")
  })

  it("is asked once in a process, also by many at once", async () => {
    using host = fakeHost()
    host.install("runc", says("runc version 1.1.15"))
    await inProcess(host, (probes) =>
      Effect.all([probes.runtimeVersion("runc"), probes.runtimeVersion("runc"), probes.versionText("runc")], {
        concurrency: "unbounded",
      }),
    )
    expect(host.calls("runc")).toBe(1)
  })

  it("is not asked again by the next process", async () => {
    using host = fakeHost()
    host.install("runc", says("runc version 1.1.15"))
    for (const _ of [1, 2, 3])
      expect(await inProcess(host, (probes) => probes.runtimeVersion("runc"))).toBe("runc version 1.1.15")
    expect(host.calls("runc")).toBe(1)
  })

  it("is asked again of a program that has changed", async () => {
    using host = fakeHost()
    host.install("runc", says("runc version 1.1.15"))
    await inProcess(host, (probes) => probes.runtimeVersion("runc"))
    host.install("runc", says("runc version 1.3.0-rc.1"))
    expect(await inProcess(host, (probes) => probes.runtimeVersion("runc"))).toBe("runc version 1.3.0-rc.1")
  })

  it.each([
    ["empty", ""],
    ["not JSON", "{"],
    ["of another format", '{"format":2,"programs":{}}'],
    ["with an entry of another shape", '{"format":1,"programs":{"x":{"inode":"1"}}}'],
    ["a list", "[]"],
  ])("does not depend on a cache that is %s", async (_, content) => {
    using host = fakeHost()
    host.install("runc", says("runc version 1.1.15"))
    await inProcess(host, (probes) => probes.runtimeVersion("runc"))
    writeFileSync(host.probesFile, content)
    expect(await inProcess(host, (probes) => probes.runtimeVersion("runc"))).toBe("runc version 1.1.15")
    expect(host.calls("runc")).toBe(2)
    expect(JSON.parse(readFileSync(host.probesFile, "utf8"))).toMatchObject({ format: 1 })
  })

  it("is told without a place to keep it", async () => {
    using host = fakeHost()
    host.install("runc", says("runc version 1.1.15"))
    writeFileSync(`${host.directory}/run`, "a file where the directory belongs")
    expect(await inProcess(host, (probes) => probes.runtimeVersion("runc"))).toBe("runc version 1.1.15")
  })

  it("fails for a program that does not run, and that is not kept", async () => {
    using host = fakeHost()
    host.install("crun", "echo 'libcriu.so.2: cannot open' >&2; exit 127")
    expect(await failure(host, (probes) => probes.runtimeVersion("crun"))).toMatchObject({
      _tag: "ToolFailed",
      exitCode: 127,
      detail: "libcriu.so.2: cannot open",
    })
    expect(existsSync(host.probesFile)).toBe(false)
    expect(await failure(host, (probes) => probes.runtimeVersion("runc"))).toMatchObject({
      _tag: "ToolMissing",
      tool: "runc",
    })
  })
})

describe("the CRIU of this machine", () => {
  it("is told by path, integer and text", async () => {
    using host = fakeHost()
    host.install("criu", says("Version: 4.2.1"))
    expect(await inProcess(host, (probes) => probes.criu)).toEqual({
      path: `${host.directory}/bin/criu`,
      version: 40_201,
      text: "4.2.1",
    })
  })

  it.each([
    ["3.17.1", "6.18.44", "CRIU 3.17.1 cannot serve Linux 6.18.44", "CRIU 4.2 or newer"],
    ["4.1.1", "6.17.0-5-generic", "SO_PASSCRED", "CRIU 4.2 or newer"],
    ["4.0", "6.14.2", "vDSO", "CRIU 4.1 or newer"],
  ])("is unfit as %s on Linux %s", async (version, kernel, problem, remedy) => {
    using host = fakeHost()
    host.install("criu", says(`Version: ${version}`))
    const unfit = await failure(host, (probes) => probes.criu, kernel)
    expect(unfit).toMatchObject({ _tag: "CriuUnfit" })
    expect(unfit.message).toContain(problem)
    expect(unfit.message).toContain(remedy)
  })

  it.each([
    ["says nothing", "true", "does not tell its version"],
    ["does not run", "echo 'no such library' >&2; exit 1", "does not run: no such library"],
  ])("is unfit when it %s", async (_, script, problem) => {
    using host = fakeHost()
    host.install("criu", script)
    expect((await failure(host, (probes) => probes.criu)).message).toContain(problem)
  })

  it("may be missing", async () => {
    using host = fakeHost()
    expect(await failure(host, (probes) => probes.criu)).toMatchObject({ _tag: "ToolMissing", tool: "criu" })
  })

  it("is not judged on a kernel whose release says nothing", () => {
    expect(criuProblem("Version: 3.17.1", "custom")).toBeUndefined()
  })
})
