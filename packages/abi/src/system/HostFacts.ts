/**
 * Facts of this host that travel with a checkpoint, in libpod's words: kernel, architecture, cgroups, distribution and
 * the versions of what made it. Which annotation each of them becomes is for the image formats to say.
 *
 * Checked against the annotations of checkpoint images made by Podman 5.4.2 with runc 1.1.15 and crun 1.21.
 */
import * as fs from "node:fs"
import * as os from "node:os"
import type { CriuUnfit, ToolFailed, ToolMissing, RuntimeName } from "@cryopod/entities"
import { cgroupLayout, cgroupVersion } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { Probes } from "./Probes.ts"

export interface Distribution {
  /** `ID` of os-release(5): `debian`. */
  readonly name: string
  /** `VERSION_ID` of os-release(5): `12`. */
  readonly version: string
}

export interface HostFacts {
  /** `uname -r`. */
  readonly kernelRelease: string
  /** Go's name, as OCI images spell it: `amd64`. */
  readonly architecture: string
  readonly cgroupVersion: "v1" | "v2"
  readonly distribution: Distribution
}

export interface CheckpointFacts extends HostFacts {
  /** `40201`. */
  readonly criuVersion: number
  readonly runtimeName: RuntimeName
  /** All lines of the runtime's `--version`. */
  readonly runtimeVersion: string
  /** `conmon version 2.1.12, commit: unknown`. */
  readonly conmonVersion: string
}

export const hostFacts: Effect.Effect<HostFacts> = Effect.sync(() => ({
  kernelRelease: os.release(),
  architecture: goArchitecture(process.arch),
  cgroupVersion: cgroupVersion(cgroupLayout()),
  distribution: distributionOf(firstReadable(["/etc/os-release", "/usr/lib/os-release"])),
}))

/** What made a checkpoint with this runtime. */
export const checkpointFacts = Effect.fnUntraced(function* (
  runtime: RuntimeName,
): Effect.fn.Return<CheckpointFacts, ToolMissing | ToolFailed | CriuUnfit, Probes> {
  const probes = yield* Probes
  return {
    ...(yield* hostFacts),
    criuVersion: (yield* probes.criu).version,
    runtimeName: runtime,
    runtimeVersion: yield* probes.runtimeVersion(runtime),
    conmonVersion: yield* probes.conmonVersion,
  }
})

/** Node's `process.arch` in the words of Go's `GOARCH`. */
export const goArchitecture = (arch: string): string => goArchitectures[arch] ?? arch

const goArchitectures: Readonly<Record<string, string>> = {
  x64: "amd64",
  ia32: "386",
  ppc64: "ppc64le",
  mipsel: "mipsle",
}

/** Source: os-release(5). Without one, libpod says `unknown`. */
export const distributionOf = (osRelease: string): Distribution => ({
  name: osReleaseValue(osRelease, "ID") ?? "unknown",
  version: osReleaseValue(osRelease, "VERSION_ID") ?? "unknown",
})

const osReleaseValue = (text: string, key: string): string | undefined => {
  const value = new RegExp(`^${key}=(.*)$`, "m").exec(text)?.[1]?.trim()
  const bare =
    value === undefined
      ? undefined
      : (/^"(.*)"$|^'(.*)'$/
          .exec(value)
          ?.slice(1)
          .find((part) => part !== undefined) ?? value)
  return bare === undefined || bare === "" ? undefined : bare.replaceAll(/\\([\\"$`])/g, "$1")
}

const firstReadable = (paths: ReadonlyArray<string>): string => {
  for (const path of paths) {
    try {
      return fs.readFileSync(path, "utf8")
    } catch {
      // the next one, then
    }
  }
  return ""
}
