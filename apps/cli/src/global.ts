/** Flags before the command, and the environment variables that stand in for them. */
import { existsSync } from "node:fs"
import { defaultPrefix, defaultRoot, defaultRunroot, type LocalEngineSettings } from "@cryopod/abi"
import { insistedRuntime, OptionInvalid, RuntimeName, runtimeNamed, type RuntimeUnknown } from "@cryopod/entities"
import * as Result from "effect/Result"
import type { CommandFailure } from "./Handler.ts"
import { type FlagTable, goQuote, type ParsedFlags, type ValuesOf, valuesOf } from "./kit/index.ts"
import { version } from "./version.ts"

/** Taken so that Podman's scripts run; this engine has one way of doing these things. */
const accepted = (usage: string) => ({ kind: "string" as const, usage, hidden: true })

const logLevels = ["trace", "debug", "info", "warn", "warning", "error", "fatal", "panic"]

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
    usage: `Log messages at and above this level (${logLevels.join(", ")})`,
    default: "warn",
  },
  noout: { kind: "bool", usage: "do not output to stdout", hidden: true },
  "cgroup-manager": accepted("cgroupfs, which the engine always uses, or systemd, which has no effect"),
  "db-backend": accepted("Only sqlite is known"),
  "events-backend": accepted("none, file or journald; events are not recorded"),
  "network-backend": accepted("Only netavark is known"),
  "network-config-dir": accepted("No effect: networks are defined in the engine's own state"),
  "storage-driver": accepted("Only overlay is known"),
  "storage-opt": {
    kind: "stringArray",
    usage: "No effect: there is nothing to choose about the storage",
    hidden: true,
  },
  syslog: { kind: "bool", usage: "No effect: log messages go to standard error alone", hidden: true },
  tmpdir: accepted("No effect: temporary files lie below the run directory"),
} as const satisfies FlagTable

/** Flags before the first command alone; further on their letters mean something else. */
export const remoteFlags = {
  connection: { kind: "string", short: "c", usage: "Connection to use for a remote service" },
  identity: { kind: "string", usage: "Path to SSH identity file, (CONTAINER_SSHKEY)" },
  remote: { kind: "bool", short: "r", usage: "Access a remote service" },
  "tls-ca": { kind: "string", usage: "PEM file with the authorities that vouch for a tcp service", valueName: "file" },
  "tls-cert": { kind: "string", usage: "PEM file with the client's certificate, for tcp", valueName: "file" },
  "tls-key": { kind: "string", usage: "PEM file with the key of that certificate", valueName: "file" },
  url: { kind: "string", usage: "URL to access a service (CONTAINER_HOST)" },
} as const satisfies FlagTable

const refused = (text: string, exitStatus?: number): CommandFailure => ({
  _tag: "GlobalOptionRefused",
  message: text,
  ...(exitStatus === undefined ? {} : { exitStatus }),
})

/** A value that Podman refuses too, in its words; what is left would not be what was asked for. */
const refusal = (flags: ValuesOf<typeof globalFlags>, changed: ParsedFlags["changed"]): CommandFailure | undefined => {
  const other = (name: keyof typeof globalFlags, known: ReadonlyArray<string>): string | undefined => {
    const value = flags[name]
    return typeof value === "string" && value !== "" && !known.includes(value) ? value : undefined
  }
  const given = (name: keyof typeof globalFlags) => (changed.has(name) && flags[name] === "" ? "" : undefined)
  const events = other("events-backend", ["none", "file", "journald"]) ?? given("events-backend")
  if (events !== undefined)
    return refused(`configuring runtime: ${goQuote(events)} is not a valid events backend: invalid argument`)
  const driver = other("storage-driver", ["overlay"])
  if (driver !== undefined) {
    return refused(
      `database graph driver "overlay" does not match our graph driver ${goQuote(driver)}: database configuration mismatch`,
    )
  }
  if ((other("cgroup-manager", ["cgroupfs", "systemd"]) ?? given("cgroup-manager")) !== undefined)
    return refused("configuring runtime: cgroup manager must be one of cgroupfs and systemd: invalid argument")
  const database = other("db-backend", ["sqlite"])
  if (database === "boltdb") {
    return refused("the BoltDB backend has been deprecated, no new BoltDB databases can be created: invalid argument")
  }
  if (database !== undefined) return refused(`unsupported database backend: ${goQuote(database)}`)
  const network = other("network-backend", ["netavark"])
  if (network !== undefined) {
    return refused(
      `cni support is not enabled in this build, only netavark. Got unsupported network backend ${goQuote(network)}`,
    )
  }
  return undefined
}

/** What is wrong with the level of log messages; Podman says so before everything else, and ends with 1. */
export const logLevelProblem = (parsed: ParsedFlags): string | undefined => {
  const { "log-level": level } = valuesOf(parsed, globalFlags)
  return logLevels.includes(level.toLowerCase())
    ? undefined
    : `Log Level ${goQuote(level)} is not supported, choose from: ${logLevels.join(", ")}`
}

type Environment = Readonly<Record<string, string | undefined>>

/** A flag wins over its variable, a variable over the default. */
export const engineSettings = (
  parsed: ParsedFlags,
  env: Environment,
  self: ReadonlyArray<string>,
): Result.Result<LocalEngineSettings, CommandFailure> => {
  const flags = valuesOf(parsed, globalFlags)
  const unfit = refusal(flags, parsed.changed)
  if (unfit !== undefined) return Result.fail(unfit)
  const root = flags.root || env["CRYOPOD_ROOT"] || defaultRoot
  const runroot = flags.runroot || env["CRYOPOD_RUNROOT"] || defaultRunroot
  if (flags.runtime === "" && parsed.changed.has("runtime"))
    return Result.fail(refused("configuring runtime: must provide a valid path: invalid argument"))
  const runtimeText = flags.runtime || env["CRYOPOD_RUNTIME"] || ""
  const named =
    runtimeText === ""
      ? Result.succeed(undefined)
      : runtimeNamed(runtimeText.slice(runtimeText.lastIndexOf("/") + 1), runtimeText)
  if (runtimeText.includes("/") && Result.isFailure(named)) return Result.fail(noRuntimeAt(runtimeText))
  if (Result.isFailure(named)) return Result.fail(named.failure)
  const runtime = named.success
  const conmon = flags.conmon || env["CRYOPOD_CONMON"]
  const criu = env["CRYOPOD_CRIU"]
  const policyFile = env["CRYOPOD_POLICY"]
  return Result.succeed({
    root,
    runroot,
    runtime,
    prefix: env["CRYOPOD_PREFIX"] || defaultPrefix,
    ...(policyFile ? { policyFile } : {}),
    path: env["PATH"] ?? "",
    tools: {
      ...(conmon ? { conmon } : {}),
      ...(criu ? { criu } : {}),
      ...(runtimeText.includes("/") && runtime !== undefined ? { [runtime]: runtimeText } : {}),
    },
    selfCommand: [...self, "--root", root, "--runroot", runroot],
    engineName: "cryopod",
    engineVersion: version,
  })
}

/** A path of a runtime is looked at where it is meant, on this host. */
export const requireRuntime = ({
  runtime,
  tools = {},
}: Pick<LocalEngineSettings, "runtime" | "tools">): Result.Result<void, CommandFailure> => {
  const path = runtime === undefined ? undefined : tools[runtime]
  return path === undefined || existsSync(path) ? Result.void : Result.fail(noRuntimeAt(path))
}

const noRuntimeAt = (path: string): CommandFailure =>
  refused(`no valid executable found for OCI runtime ${path}: invalid argument`)

/** The runtime that a command line names for what it makes on another host; variables are about this host's own engine. */
export const farRuntime = (
  parsed: ParsedFlags,
): Result.Result<{ readonly runtime?: RuntimeName }, OptionInvalid | RuntimeUnknown> => {
  const { runtime } = valuesOf(parsed, globalFlags)
  if (!runtime.includes("/")) return insistedRuntime(runtime || undefined)
  const problem = `the runtime of another host goes by its name, ${RuntimeName.literals.join(" or ")}, not by a path`
  return Result.fail(new OptionInvalid({ option: "runtime", value: runtime, problem }))
}
