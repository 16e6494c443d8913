/**
 * `--volume [SOURCE:]DESTINATION[:OPTIONS]` and `--tmpfs DESTINATION[:OPTIONS]`.
 *
 * Sources: Podman 5.4 `pkg/specgen/volumes.go` (GenVolumeMounts), buildah `pkg/parse` (ValidateVolumeOpts),
 * `pkg/util/mount_opts.go`.
 */
import { posix } from "node:path"
import * as Result from "effect/Result"
import { MountInvalid } from "../failures/MountFailures.ts"
import type { ContainerMount } from "./ContainerMount.ts"

type Parsed = Result.Result<ContainerMount, MountInvalid>

const refuse = (problem: MountInvalid["problem"], value: string, detail?: string) =>
  Result.fail(new MountInvalid({ problem, value, ...(detail === undefined ? {} : { detail }) }))

/** A source that begins with `/` is of the host, any other the name of a volume; without one it is anonymous. */
export const parseVolumeFlag = (text: string): Parsed => {
  const parts = text.split(":")
  if (parts.length > 3) return refuse("volumeFormat", text)
  const [first = "", second, third] = parts
  if (third !== undefined) {
    const problem = optionsProblem(third.split(","))
    if (problem !== undefined) return Result.fail(problem)
  }
  const options = (third ?? "").split(",").filter((option) => option !== "" && !ignored.has(option))
  if (second !== undefined && first === "") return refuse("hostEmpty", text)
  const destination = containerPath(second ?? first)
  if (Result.isFailure(destination)) return Result.fail(destination.failure)
  const unavailable = options.find((option) => option === "O" || /^(?:upperdir|workdir|idmap)\b/.test(option))
  if (unavailable !== undefined) return refuse("unavailable", unavailable, "overlays and mapped owners of a volume")
  if (second !== undefined && first.startsWith("/")) {
    return Result.succeed({ type: "bind", source: first, destination: destination.success, options })
  }
  const name = second === undefined ? "" : first
  return Result.succeed({ type: "volume", name, anonymous: name === "", destination: destination.success, options })
}

/** An absolute path, tidied. */
export const containerPath = (path: string): Result.Result<string, MountInvalid> => {
  if (path === "") return refuse("containerEmpty", path)
  if (!path.startsWith("/")) return refuse("containerPath", path)
  const tidy = posix.normalize(path)
  return Result.succeed(tidy === "/" ? tidy : tidy.replace(/\/$/, ""))
}

/** Options of which one may be given, and how the refusal names them. */
const groups: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
  [["noexec", "exec"], "'noexec' or 'exec'"],
  [["nodev", "dev"], "'nodev' or 'dev'"],
  [["nosuid", "suid"], "'nosuid' or 'suid'"],
  [["rw", "ro"], "'rw' or 'ro'"],
  [["z", "Z", "O"], "'z', 'Z', or 'O'"],
  [["U"], "'U'"],
  [
    ["private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable"],
    "'[r]shared', '[r]private', '[r]slave' or '[r]unbindable'",
  ],
  [["bind", "rbind"], "'[r]bind'"],
  [["copy", "nocopy"], "'copy' or 'nocopy'"],
]

/** Known, and of no effect on Linux. */
const ignored = new Set(["cached", "delegated"])

const optionsProblem = (options: ReadonlyArray<string>): MountInvalid | undefined => {
  const seen = new Set<string>()
  for (const option of options) {
    if (ignored.has(option) || /^(?:upperdir|workdir|idmap)\b/.test(option)) continue
    const group = groups.find(([members]) => members.includes(option))
    if (group === undefined) return new MountInvalid({ problem: "optionType", value: option })
    const [, words] = group
    if (seen.has(words))
      return new MountInvalid({ problem: "optionsExclusive", value: options.join(", "), detail: words })
    seen.add(words)
  }
  return undefined
}

export const parseTmpfsFlag = (text: string): Parsed => {
  const colon = text.indexOf(":")
  const destination = containerPath(colon < 0 ? text : text.slice(0, colon))
  if (Result.isFailure(destination)) return Result.fail(destination.failure)
  const options = colon < 0 ? [] : text.slice(colon + 1).split(",")
  const problem = tmpfsProblem(options)
  if (problem !== undefined) return Result.fail(problem)
  return Result.succeed({ type: "tmpfs", destination: destination.success, options })
}

/** Options of a file system in memory of which one may be given. */
const tmpfsGroups: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
  [["exec", "noexec"], "of 'noexec' and 'exec' can be used"],
  [["suid", "nosuid"], "of 'nosuid' and 'suid' can be used"],
  [["dev", "nodev"], "of 'nodev' and 'dev' can be used"],
  [["rw", "ro"], "of 'rw' and 'ro' can be used"],
  [
    ["private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable"],
    "root propagation mode can be used",
  ],
  [["size"], "tmpfs size can be specified"],
  [["mode"], "tmpfs mode can be specified"],
  [["tmpcopyup", "notmpcopyup"], "of 'tmpcopyup' and 'notmpcopyup' can be used"],
  [["noswap"], "'noswap' option can be used"],
  [["U"], "'U' option can be used"],
]

export const tmpfsProblem = (options: ReadonlyArray<string>): MountInvalid | undefined => {
  const seen = new Set<string>()
  for (const option of options) {
    const [word = ""] = option.split("=")
    if (["bind", "rbind"].includes(word))
      return new MountInvalid({ problem: "notTmpfs", value: option, detail: "'bind' and 'rbind'" })
    if (["z", "Z"].includes(word))
      return new MountInvalid({ problem: "notTmpfs", value: option, detail: "'z' and 'Z'" })
    const group = tmpfsGroups.find(([members]) => members.includes(word))
    if (group === undefined) return new MountInvalid({ problem: "mountOption", value: option })
    const [, words] = group
    if (seen.has(words)) return new MountInvalid({ problem: "exclusive", value: option, detail: words })
    seen.add(words)
  }
  return undefined
}
