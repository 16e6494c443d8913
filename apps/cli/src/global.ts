/** Flags before the command, and the environment variables that stand in for them. */
import { defaultPrefix, defaultRoot, defaultRunroot, type LocalEngineSettings } from "@cryopod/abi"
import { OptionInvalid } from "@cryopod/entities"
import * as Result from "effect/Result"
import { type FlagTable, type ParsedFlags, valuesOf } from "./kit/index.ts"
import { version } from "./version.ts"

/** Taken so that Podman's scripts run; this engine has one way of doing these things. */
const accepted = (usage: string) => ({ kind: "string" as const, usage, hidden: true })

export const globalFlags = {
  root: { kind: "string", usage: "Path to the directory in which state and images are kept", defaultText: defaultRoot },
  runroot: {
    kind: "string",
    usage: "Path to the directory of state that a reboot removes",
    defaultText: defaultRunroot,
  },
  runtime: { kind: "string", usage: "OCI runtime to use: runc or crun", defaultText: "the first that is found" },
  conmon: { kind: "string", usage: "Path of the conmon binary" },
  "log-level": {
    kind: "string",
    usage: "Log messages at and above this level: error, warn, info, debug",
    default: "warn",
  },
  "cgroup-manager": accepted("Only cgroupfs is known"),
  "db-backend": accepted("Only sqlite is known"),
  "events-backend": accepted("Events are not recorded"),
  "network-backend": accepted("Only netavark is known"),
  "network-config-dir": accepted("Path of network definitions"),
  "storage-driver": accepted("Only overlay is known"),
  "storage-opt": { kind: "stringArray", usage: "Storage options", hidden: true },
  tmpdir: accepted("Path of temporary files"),
} as const satisfies FlagTable

type Environment = Readonly<Record<string, string | undefined>>

/** A flag wins over its variable, a variable over the default. */
export const engineSettings = (
  parsed: ParsedFlags,
  env: Environment,
  self: ReadonlyArray<string>,
): Result.Result<LocalEngineSettings, OptionInvalid> => {
  const flags = valuesOf(parsed, globalFlags)
  const root = flags.root || env["CRYOPOD_ROOT"] || defaultRoot
  const runroot = flags.runroot || env["CRYOPOD_RUNROOT"] || defaultRunroot
  const runtimeText = flags.runtime || env["CRYOPOD_RUNTIME"] || ""
  const runtime = runtimeText.slice(runtimeText.lastIndexOf("/") + 1)
  if (runtime !== "" && runtime !== "runc" && runtime !== "crun") {
    return Result.fail(
      new OptionInvalid({ option: "runtime", value: runtimeText, problem: "runtimes are runc and crun" }),
    )
  }
  const conmon = flags.conmon || env["CRYOPOD_CONMON"]
  const criu = env["CRYOPOD_CRIU"]
  return Result.succeed({
    root,
    runroot,
    runtime: runtime === "" ? undefined : runtime,
    prefix: env["CRYOPOD_PREFIX"] || defaultPrefix,
    path: env["PATH"] ?? "",
    tools: {
      ...(conmon ? { conmon } : {}),
      ...(criu ? { criu } : {}),
      ...(runtimeText.includes("/") && runtime !== "" ? { [runtime]: runtimeText } : {}),
    },
    exitCommand: [...self, "--root", root, "--runroot", runroot, "container", "cleanup"],
    engineName: "cryopod",
    engineVersion: version,
  })
}
