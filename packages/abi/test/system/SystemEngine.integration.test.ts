/** The real programs of this machine: what `scripts/setup` has brought must be found fit. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SystemEngine } from "@cryopod/entities"
import { Layout, Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll, describe, expect, it } from "vitest"
import { checkpointFacts } from "../../src/system/HostFacts.ts"
import { Probes } from "../../src/system/Probes.ts"
import { systemEngineLayer } from "../../src/system/SystemEngine.ts"

const directory = mkdtempSync(join(tmpdir(), "cryopod-system-"))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const base = Layer.mergeAll(
  Tools.layer({ prefix: "/opt/cryopod", path: process.env["PATH"] ?? "" }),
  Layout.layer(join(directory, "root"), join(directory, "run")),
)
const probes = Layer.provideMerge(Probes.layer, base)
const engine = Layer.provide(
  systemEngineLayer({
    version: "0.0.0",
    counts: Effect.succeed({ containers: { number: 0, paused: 0, running: 0, stopped: 0 }, images: 0 }),
    cleanup: () => Effect.void,
    state: Effect.succeed([]),
  }),
  probes,
)

describe.runIf(process.geteuid?.() === 0)("the real host", () => {
  it("is fit for checkpoints", async () => {
    const check = await Effect.runPromise(
      SystemEngine.use((system) => system.check({ deep: false })).pipe(Effect.provide(engine)),
    )
    const complaints = [
      ...check.tools.filter(({ importance, status }) => importance === "required" && status !== "ok"),
      ...check.host.filter(({ status }) => status === "unfit"),
    ]
    expect(complaints).toEqual([])
    expect(check.fit).toBe(true)
    expect(check.tools.filter(({ status }) => status === "ok").filter(({ version }) => version === "")).toEqual([])
  })

  it("tells the facts of a checkpoint as Podman writes them", async () => {
    const facts = await Effect.runPromise(checkpointFacts("runc").pipe(Effect.provide(probes)))
    expect(facts.criuVersion).toBeGreaterThanOrEqual(31_100)
    expect(facts.runtimeVersion).toMatch(/^runc version \d+\.\d+[^\n]*\n/)
    expect(facts.conmonVersion).toMatch(/^conmon version \d+\.\d+\.\d+, commit: \S+$/)
    expect(facts.distribution.name).not.toBe("unknown")
  })

  it("tells its information, and the second process asks no program", async () => {
    const info = Effect.runPromise(SystemEngine.use((system) => system.info).pipe(Effect.provide(engine)))
    expect((await info).host.conmon.version).toContain("conmon version")
    const began = performance.now()
    await Effect.runPromise(checkpointFacts("runc").pipe(Effect.provide(probes)))
    expect(performance.now() - began).toBeLessThan(100)
  })
})
