/** The host of an engine in memory, as far as it has one. */
import * as Effect from "effect/Effect"
import type { SystemEngineShape } from "../../SystemEngine.ts"
import { architecture } from "./ImageDocuments.ts"
import { findContainer, isActive, type MemoryHost } from "./MemoryHost.ts"

export const memorySystem = (host: MemoryHost): SystemEngineShape => ({
  info: Effect.sync(() => {
    const having = (status: string) => host.containers.filter(({ state }) => state.status === status).length
    const tool = { package: "memory", path: "", version: "" }
    return {
      host: {
        arch: architecture,
        buildahVersion: "",
        cgroupManager: "none",
        cgroupVersion: "v2",
        conmon: tool,
        cpus: 1,
        criu: tool,
        distribution: { distribution: "memory", version: "0" },
        hostname: "memory",
        kernel: "0",
        memFree: 0,
        memTotal: 0,
        networkBackend: "none",
        ociRuntime: { name: host.runtime, ...tool },
        os: "linux",
        serviceIsRemote: false,
        uptime: "0h 0m 0.00s",
      },
      store: {
        graphRoot: "memory",
        runRoot: "memory",
        graphDriverName: "memory",
        containerStore: {
          number: host.containers.length,
          paused: having("paused"),
          running: having("running"),
          stopped: host.containers.filter((container) => !isActive(container)).length,
        },
        imageStore: { number: host.images.length },
      },
      plugins: { volume: ["local"], network: ["bridge", "macvlan", "ipvlan"], log: ["k8s-file"], authorization: null },
      registries: {},
      version: { Version: "0", OsArch: `linux/${architecture}` },
    }
  }),
  check: ({ deep }) => Effect.succeed({ fit: true, tools: [], host: [], ...(deep ? { state: [] } : {}) }),
  cleanup: (ref) => Effect.asVoid(findContainer(host, ref)),
})
