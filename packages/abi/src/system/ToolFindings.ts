/**
 * What `system check` finds of each program: where it is, which version, whether it serves.
 *
 * The decisions are plain functions of what the programs said; asking them is at the end of the file.
 */
import { errorsOf } from "@cryopod/criu"
import type { ToolFinding } from "@cryopod/entities"
import { lastLines, run, type RunResult, type ToolName, toolPurposes, Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { criuProblem, Probes } from "./Probes.ts"

/** How one program answered. */
export interface ToolAnswer {
  readonly name: ToolName
  /** Empty when it is not there. */
  readonly path: string
  /** What it said of its version; a failure when it did not run. */
  readonly version: Result.Result<string, string>
}

export interface ToolCircumstances {
  readonly kernelRelease: string
  /** Controllers of the v2 hierarchy beside v1; empty on any other layout. */
  readonly hybridControllers: string
  /** What `criu check` said; absent when there is no CRIU to ask. */
  readonly criuCheck?: Pick<RunResult, "exitCode" | "stdout" | "stderr">
  readonly root: boolean
}

/**
 * Programs that can be done without. iptables is not among them: CRIU calls `iptables-restore` in every dump of a
 * container with a network of its own, connections or none (seen with CRIU 4.2.1; `criu/net.c`,
 * `network_lock_internal`). Its nftables method is a library and not the program `nft`.
 */
const optional: ReadonlySet<ToolName> = new Set([
  "aardvark-dns",
  "buildah",
  "catatonit",
  "netavark",
  "nft",
  "nsenter",
  "socat",
  "ps",
  "script",
  "setpriv",
  "stty",
])

const runtimes: ReadonlySet<string> = new Set<ToolName>(["runc", "crun"])

type Verdict = Pick<ToolFinding, "status" | "problem" | "remedy">

const ok: Verdict = { status: "ok", problem: "", remedy: "" }

/** All findings, in the order of the answers. */
export const toolFindings = (
  answers: ReadonlyArray<ToolAnswer>,
  circumstances: ToolCircumstances,
): ReadonlyArray<ToolFinding> => {
  const judged = answers.map((answer) => ({ answer, verdict: verdict(answer, circumstances) }))
  const runs = judged.some(({ answer, verdict: { status } }) => runtimes.has(answer.name) && status === "ok")
  return judged.map(({ answer: { name, path, version }, verdict: { problem, remedy, status } }) => ({
    name,
    purpose: toolPurposes[name],
    path,
    version: Result.isSuccess(version) ? shortVersion(version.success) : "",
    // one runtime is enough
    importance: optional.has(name) || (runtimes.has(name) && status !== "ok" && runs) ? "optional" : "required",
    status,
    problem,
    remedy,
  }))
}

/** True when nothing that is required fails. */
export const toolsFit = (findings: ReadonlyArray<ToolFinding>): boolean =>
  findings.every(({ importance, status }) => importance === "optional" || status === "ok")

const verdict = (answer: ToolAnswer, circumstances: ToolCircumstances): Verdict => {
  if (answer.path === "") return missing(answer.name)
  if (Result.isFailure(answer.version)) {
    return {
      status: "broken",
      problem: `does not run: ${answer.version.failure}`,
      remedy: `install ${answer.name} anew`,
    }
  }
  if (answer.name === "criu") return criuVerdict(answer.version.success, circumstances)
  if (answer.name === "crun") return crunVerdict(answer.version.success, circumstances.hybridControllers)
  return ok
}

const missing = (name: ToolName): Verdict => ({
  status: "missing",
  problem: "not installed",
  remedy:
    packages[name] === undefined
      ? "run scripts/setup, or install it"
      : `run scripts/setup, or install the package ${packages[name]}`,
})

/** Where the distributions keep programs that are not in a package of their own name (Debian 12). */
const packages: Partial<Record<ToolName, string>> = {
  getfattr: "attr",
  ip: "iproute2",
  mount: "mount",
  umount: "mount",
  unshare: "util-linux",
  setpriv: "util-linux",
  nft: "nftables",
  ps: "procps",
}

const criuVerdict = (version: string, { criuCheck, kernelRelease, root }: ToolCircumstances): Verdict => {
  const tooOld = criuProblem(version, kernelRelease)
  if (tooOld !== undefined) return { status: "unfit", ...tooOld }
  if (criuCheck === undefined || criuCheck.exitCode === 0) return ok
  const said = `${criuCheck.stderr}\n${criuCheck.stdout}`
  return {
    status: "unfit",
    problem: `its own check fails: ${errorsOf(said).at(-1) ?? lastLines(said, 1)}`,
    remedy: root
      ? "use a kernel with CONFIG_CHECKPOINT_RESTORE and the options that CRIU asks for, and run with all privileges"
      : "run as root",
  }
}

/**
 * crun names the features it was built with, each with a plus, in the last line of `--version`. On a hybrid layout it
 * refuses every container as long as v2 has a controller (crun 1.21 `src/libcrun/cgroup.c`, `libcrun_cgroup_enter`;
 * seen: "cgroups in hybrid mode not supported, drop all controllers from cgroupv2").
 */
const crunVerdict = (version: string, hybridControllers: string): Verdict => {
  if (!/(?:^|\s)\+CRIU(?:\s|$)/.test(version)) {
    return {
      status: "unfit",
      problem: "built without CRIU",
      remedy: "run scripts/setup, or install a crun with +CRIU; or use runc",
    }
  }
  if (hybridControllers !== "") {
    return {
      status: "unfit",
      problem: `crun cannot run on this host's hybrid cgroup layout (v2 has ${hybridControllers.replaceAll(" ", ", ")})`,
      remedy: "use runc, or boot with one hierarchy",
    }
  }
  return ok
}

/** The version number in what a program says of itself: `iproute2-6.1.0, libbpf 1.1.2` is 6.1.0. */
export const shortVersion = (text: string): string =>
  /(?<![\w.])v?(\d+(?:\.\d+)+(?:[-+~.\w]*\w)?)/.exec(text)?.[1] ?? ""

/** Ask programs, all of them unless told otherwise. They are quick, so several at once. */
export const askTools = Effect.fnUntraced(function* (
  names: ReadonlyArray<ToolName> = Object.keys(toolPurposes) as ReadonlyArray<ToolName>,
): Effect.fn.Return<ReadonlyArray<ToolAnswer>, never, Tools | Probes> {
  const tools = yield* Tools
  const probes = yield* Probes
  return yield* Effect.forEach(
    names,
    (name) =>
      probes.versionText(name).pipe(
        Effect.mapError((failure) =>
          failure._tag === "ToolFailed" ? failure.detail || `exit status ${failure.exitCode}` : "cannot be started",
        ),
        Effect.result,
        Effect.map((version) => ({ name, path: tools.find(name) ?? "", version })),
      ),
    { concurrency: 4 },
  )
})

/** Run `criu check`, or one feature of it. Absent when CRIU cannot be asked. */
export const criuCheck = Effect.fnUntraced(function* (
  feature?: string,
): Effect.fn.Return<RunResult | undefined, never, Tools> {
  const tools = yield* Tools
  const path = tools.find("criu")
  if (path === undefined) return undefined
  const args = ["check", ...(feature === undefined ? [] : ["--feature", feature])]
  const answer = yield* Effect.timeoutOption(run(path, args, { env: tools.environment }), "30 seconds").pipe(
    Effect.orElseSucceed(() => Option.none<RunResult>()),
  )
  return Option.getOrUndefined(answer)
})
