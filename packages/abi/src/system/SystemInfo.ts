/**
 * `system info`: libpod's field names and forms, as far as this engine has the facts.
 *
 * Nothing here fails for a program that is missing: its path and version are then empty, as `system check` explains.
 * Forms checked against `podman info` 5.4.2.
 */
import * as os from "node:os"
import type { SystemInfo, RuntimeName } from "@cryopod/entities"
import { Layout, Tools, type ToolName } from "@cryopod/host"
import * as Effect from "effect/Effect"
import { hostFacts } from "./HostFacts.ts"
import { hybridControllers } from "./HostReading.ts"
import { oneLine, Probes } from "./Probes.ts"
import { askTools, toolFindings } from "./ToolFindings.ts"

/** How many containers and images there are; counted by whoever keeps them. */
export interface Counts {
  readonly containers: {
    readonly number: number
    readonly paused: number
    readonly running: number
    readonly stopped: number
  }
  readonly images: number
}

/** Packages are not looked up: that takes longer than everything else together. libpod says so too where it fails. */
const unknownPackage = "Unknown"

export const systemInfo = Effect.fnUntraced(function* (
  engine: { readonly version: string; readonly runtime: RuntimeName },
  counts: Counts,
): Effect.fn.Return<SystemInfo, never, Tools | Layout | Probes> {
  const tools = yield* Tools
  const layout = yield* Layout
  const facts = yield* hostFacts
  const operatingSystem = os.platform()
  return {
    host: {
      arch: facts.architecture,
      buildahVersion: (yield* program("buildah", (text) => /\d+(\.\d+)+/.exec(text)?.[0] ?? "")).version,
      cgroupManager: "cgroupfs",
      cgroupVersion: facts.cgroupVersion,
      conmon: yield* program("conmon", oneLine),
      cpus: os.availableParallelism(),
      criu: yield* program("criu", (text) => text.split("\n")[0] ?? ""),
      distribution: { distribution: facts.distribution.name, version: facts.distribution.version },
      hostname: os.hostname(),
      kernel: facts.kernelRelease,
      memFree: os.freemem(),
      memTotal: os.totalmem(),
      networkBackend: tools.find("netavark") === undefined ? "none" : "netavark",
      ociRuntime: { name: engine.runtime, ...(yield* program(engine.runtime, (text) => text)) },
      os: operatingSystem,
      serviceIsRemote: false,
      uptime: uptimeText(os.uptime()),
    },
    store: {
      graphRoot: layout.root,
      runRoot: layout.runroot,
      graphDriverName: "overlay",
      containerStore: counts.containers,
      imageStore: { number: counts.images },
    },
    plugins: {
      volume: ["local"],
      network: ["bridge", "macvlan", "ipvlan"],
      log: ["k8s-file"],
      authorization: null,
    },
    registries: {},
    version: { Version: engine.version, OsArch: `${operatingSystem}/${facts.architecture}` },
  }
})

/** The runtime of new containers: the one that can checkpoint here, crun before runc as Podman has it. */
export const defaultRuntime: Effect.Effect<RuntimeName, never, Tools | Probes> = Effect.gen(function* () {
  const findings = toolFindings(yield* askTools(["crun", "runc"]), {
    kernelRelease: os.release(),
    hybridControllers: hybridControllers(),
    root: true,
  })
  return findings.some(({ name, status }) => name === "crun" && status === "ok") ? "crun" : "runc"
})

const program = Effect.fnUntraced(function* (name: ToolName, form: (text: string) => string) {
  const tools = yield* Tools
  const probes = yield* Probes
  const text = yield* Effect.orElseSucceed(probes.versionText(name), () => "")
  return { package: unknownPackage, path: tools.find(name) ?? "", version: form(text) }
})

/** `0h 50m 10.00s`, with the days behind it when there are any. */
export const uptimeText = (seconds: number): string => {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  const text = `${hours}h ${minutes}m ${(seconds % 60).toFixed(2)}s`
  return hours < 24 ? text : `${text} (Approximately ${(seconds / 86_400).toFixed(2)} days)`
}
