/**
 * What the programs of this machine say of themselves: versions, and whether this CRIU can serve this kernel.
 *
 * Versions are asked, never assumed. A program is asked once: answers are kept for the process and, through
 * `ProbeCache`, for later ones. Failures are not kept beyond the process, since they may be mended from outside.
 */
import * as os from "node:os"
import { join } from "node:path"
import {
  criuShortcoming,
  formatCriuInteger,
  formatCriuVersion,
  libpodCriuInteger,
  parseCriuVersion,
  parseKernelRelease,
} from "@cryopod/criu"
import { CriuUnfit, ToolFailed, type ToolMissing, type RuntimeName } from "@cryopod/entities"
import { lastLines, Layout, run, type ToolName, Tools, type ToolsShape } from "@cryopod/host"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { keepKernelFeatures } from "./kernelFeatures.ts"
import { makeProbeCache, type ProbeCache } from "./ProbeCache.ts"

export interface CriuFacts {
  readonly path: string
  /** As libpod writes it into checkpoints: 40201 for 4.2.1. */
  readonly version: number
  /** As people write it: `4.2.1`. */
  readonly text: string
}

export interface ProbesShape {
  /** The CRIU of this machine, ready for use; fails when it cannot serve the running kernel. */
  readonly criu: Effect.Effect<CriuFacts, ToolMissing | CriuUnfit>
  /** All that the runtime says to `--version`: what libpod reports as its version. */
  readonly runtimeVersion: (runtime: RuntimeName) => Effect.Effect<string, ToolMissing | ToolFailed>
  /** What conmon says to `--version`, on one line, as libpod reports it. */
  readonly conmonVersion: Effect.Effect<string, ToolMissing | ToolFailed>
  /** What any program says to its version option; fails when it does not run. */
  readonly versionText: (tool: ToolName) => Effect.Effect<string, ToolMissing | ToolFailed>
}

export class Probes extends Context.Service<Probes, ProbesShape>()("@cryopod/abi/Probes") {
  /** For this machine, or for a kernel release that is given. */
  static readonly layerOn = (kernelRelease: string) =>
    Layer.effect(
      Probes,
      Effect.gen(function* () {
        const layout = yield* Layout
        return yield* make(yield* Tools, makeProbeCache(join(layout.runroot, "probes.json")), kernelRelease)
      }),
    )
  static readonly layer = Layer.unwrap(Effect.sync(() => Probes.layerOn(os.release())))
}

/** Programs that do not know `--version`. */
const versionOptions: Partial<Record<ToolName, string>> = { ip: "-V", socat: "-V" }

/** A program that does not answer in this time will not answer. */
const patience = "15 seconds"

const make = Effect.fnUntraced(function* (tools: ToolsShape, cache: ProbeCache, kernelRelease: string) {
  const asked = new Map<ToolName, Effect.Effect<string, ToolMissing | ToolFailed>>()
  const versionText = (tool: ToolName) =>
    Effect.suspend(() => {
      const known = asked.get(tool)
      if (known !== undefined) return known
      const answer = Effect.runSync(Effect.cached(ask(tools, cache, tool)))
      asked.set(tool, answer)
      return answer
    })
  const criu = yield* Effect.cached(
    fitCriu(tools, versionText("criu"), kernelRelease).pipe(
      Effect.tap(({ path }) => Effect.provideService(keepKernelFeatures(path), Tools, tools)),
    ),
  )
  return Probes.of({
    criu,
    versionText,
    runtimeVersion: versionText,
    conmonVersion: Effect.map(versionText("conmon"), oneLine),
  })
})

/** `conmon version 2.1.12` and `commit: unknown`, as Podman 5.4.2 writes the two lines. */
export const oneLine = (text: string): string => text.replaceAll("\n", ", ")

const ask = Effect.fnUntraced(function* (tools: ToolsShape, cache: ProbeCache, tool: ToolName) {
  const path = yield* tools.path(tool)
  const args = [versionOptions[tool] ?? "--version"]
  const recalled = yield* cache.recall(path, args)
  if (Option.isSome(recalled)) return recalled.value
  const answer = yield* Effect.timeoutOption(run(path, args, { env: tools.environment }), patience)
  if (Option.isNone(answer)) {
    return yield* new ToolFailed({ tool, arguments: args, exitCode: 124, detail: `no answer within ${patience}` })
  }
  const { exitCode, stderr, stdout } = answer.value
  if (exitCode !== 0) return yield* new ToolFailed({ tool, arguments: args, exitCode, detail: lastLines(stderr, 3) })
  const output = (stdout.trim() === "" ? stderr : stdout).trimEnd()
  yield* cache.remember(path, args, output)
  return output
})

const fitCriu = Effect.fnUntraced(function* (
  tools: ToolsShape,
  answer: Effect.Effect<string, ToolMissing | ToolFailed>,
  kernelRelease: string,
): Effect.fn.Return<CriuFacts, ToolMissing | CriuUnfit> {
  const path = yield* tools.path("criu")
  const output = yield* answer.pipe(
    Effect.catchTag("ToolFailed", (failure) =>
      Effect.fail(new CriuUnfit({ problem: `${path} does not run: ${failure.detail}`, remedy: reinstall })),
    ),
  )
  const version = parseCriuVersion(output)
  if (version === undefined)
    return yield* new CriuUnfit({ problem: `${path} does not tell its version`, remedy: reinstall })
  const problem = criuProblem(output, kernelRelease)
  if (problem !== undefined) return yield* new CriuUnfit(problem)
  return { path, version: libpodCriuInteger(version), text: formatCriuVersion(version) }
})

const reinstall = "run scripts/setup, or install CRIU anew"

/** Why the CRIU of this version text cannot serve this kernel. */
export const criuProblem = (
  versionText: string,
  kernelRelease: string,
): { readonly problem: string; readonly remedy: string } | undefined => {
  const version = parseCriuVersion(versionText)
  const kernel = parseKernelRelease(kernelRelease)
  if (version === undefined || kernel === undefined) return undefined
  const shortcoming = criuShortcoming(version, kernel)
  if (shortcoming === undefined) return undefined
  return {
    problem: `CRIU ${formatCriuVersion(version)} cannot serve Linux ${kernelRelease}: ${shortcoming.reason}`,
    remedy: `run scripts/setup, or install CRIU ${formatCriuInteger(shortcoming.minimum)} or newer`,
  }
}
