import { SystemCheck, SystemEngine, SystemInfo } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { systemEngineLayer, type SystemEngineParts } from "../../src/system/SystemEngine.ts"
import { type FakeHost, fakeHost, says } from "./fakeTools.ts"

const parts: SystemEngineParts = {
  version: "0.1.0",
  counts: Effect.succeed({ containers: { number: 3, paused: 0, running: 2, stopped: 1 }, images: 4 }),
  cleanup: () => Effect.void,
  state: Effect.succeed([]),
}

const onHost = <A, E>(host: FakeHost, use: (engine: SystemEngine["Service"]) => Effect.Effect<A, E>) =>
  Effect.runPromise(
    SystemEngine.use(use).pipe(Effect.provide(Layer.provide(systemEngineLayer(parts), host.services()))),
  )

const equip = (host: FakeHost) => {
  for (const name of [
    "skopeo",
    "umoci",
    "tar",
    "cp",
    "du",
    "mount",
    "umount",
    "unshare",
    "ip",
    "getfattr",
    "iptables",
  ] as const) {
    host.install(name, says(`${name} version 1.2.3`))
  }
  host.install("conmon", says("conmon version 2.1.12", "commit: unknown"))
  host.install("criu", 'if [ "$1" = check ]; then echo "Looks good."; else echo "Version: 9.9"; fi')
  host.install("runc", says("runc version 1.1.15", "spec: 1.2.0"))
}

describe("system info", () => {
  it("has what the engine and its programs say", async () => {
    using host = fakeHost()
    equip(host)
    host.install("buildah", says("buildah version 1.28.2 (image-spec 1.1.0-rc2, runtime-spec 1.0.2-dev)"))
    const info = await onHost(host, (engine) => engine.info)
    expect(Schema.is(SystemInfo)(info)).toBe(true)
    expect(info.host).toMatchObject({
      buildahVersion: "1.28.2",
      conmon: { path: `${host.directory}/bin/conmon`, version: "conmon version 2.1.12, commit: unknown" },
      criu: { version: "Version: 9.9" },
      ociRuntime: { name: "runc", version: "runc version 1.1.15\nspec: 1.2.0" },
      networkBackend: "none",
      serviceIsRemote: false,
    })
    expect(info.store).toMatchObject({
      graphRoot: `${host.directory}/root`,
      containerStore: { number: 3, running: 2, stopped: 1 },
      imageStore: { number: 4 },
    })
    expect(info.version.Version).toBe("0.1.0")
  })

  it("is told on a host without any programs", async () => {
    using host = fakeHost()
    const info = await onHost(host, (engine) => engine.info)
    expect(info.host.conmon).toEqual({ package: "Unknown", path: "", version: "" })
    expect(info.host.ociRuntime.name).toBe("runc")
    expect(info.host.buildahVersion).toBe("")
  })
})

describe("system check", () => {
  it("finds every program and changes nothing", async () => {
    using host = fakeHost()
    equip(host)
    const check = await onHost(host, (engine) => engine.check({ deep: false }))
    expect(Schema.is(SystemCheck)(check)).toBe(true)
    expect(check.tools.filter(({ importance }) => importance === "required").map(({ status }) => status)).not.toContain(
      "missing",
    )
    expect(check.tools.find(({ name }) => name === "criu")).toMatchObject({ status: "ok", version: "9.9" })
    expect(check.tools.find(({ name }) => name === "crun")).toMatchObject({ status: "missing", importance: "optional" })
    expect(host.calls("criu")).toBe(4)
  })

  it("asks CRIU anew each time, but not for its version", async () => {
    using host = fakeHost()
    equip(host)
    await onHost(host, (engine) => engine.check({ deep: false }))
    await onHost(host, (engine) => engine.check({ deep: false }))
    expect(host.calls("criu")).toBe(7)
    expect(host.calls("runc")).toBe(1)
  })

  it("is not fit on a host without any programs, and has a remedy for each", async () => {
    using host = fakeHost()
    const check = await onHost(host, (engine) => engine.check({ deep: false }))
    expect(check.fit).toBe(false)
    expect(check.tools.every(({ remedy, status }) => status === "missing" && remedy !== "")).toBe(true)
    for (const { problem, remedy, status } of check.host)
      expect([problem === "", remedy === ""]).toEqual(Array(2).fill(status === "ok"))
  })
})
