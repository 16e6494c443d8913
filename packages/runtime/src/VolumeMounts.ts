/** File systems of volumes that ask for one of their own: mounted over the volume's directory by mount(8). */
import { type ToolMissing, VolumeMountFailed } from "@cryopod/entities"
import { lastLines, run, Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type { VolumeConfig } from "./VolumeRecord.ts"

/** Words for mount(8), as libpod has them (`libpod/volume_internal_linux.go`). */
export const volumeMountArguments = ({ options }: Pick<VolumeConfig, "options">, target: string) => {
  const { device = "", o = "", type = "" } = options
  return [
    ...(o === "" ? [] : ["-o", o]),
    ...(type === "" ? [] : type === "bind" ? ["-o", "bind"] : ["-t", type]),
    // some file systems have no device, but mount wants a word for it
    ...[device === "" ? type : device].filter((word) => word !== ""),
    target,
  ]
}

export const mountVolume = Effect.fn("VolumeMounts.mount")(function* (
  config: VolumeConfig,
  target: string,
): Effect.fn.Return<void, VolumeMountFailed | ToolMissing, Tools> {
  const tools = yield* Tools
  const result = yield* run(yield* tools.path("mount"), volumeMountArguments(config, target), {
    env: tools.environment,
  })
  if (result.exitCode === 0) return
  return yield* new VolumeMountFailed({ name: config.name, detail: lastLines(result.stderr, 2) })
})
