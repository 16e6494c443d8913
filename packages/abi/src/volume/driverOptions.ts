/**
 * `--opt` and `--label` of a volume: what libpod makes of them (`pkg/domain/infra/abi/parse`, VolumeOptions, and
 * `libpod/runtime_volume_common.go`). Pure but for asking whether a device is there.
 */
import { splitPair, VolumeOptionInvalid } from "@cryopod/entities"
import * as Result from "effect/Result"

export interface DriverOptions {
  /** As they are kept and shown. */
  readonly options: Readonly<Record<string, string>>
  readonly uid?: number
  readonly gid?: number
}

export interface DriverRequest {
  readonly name: string
  readonly driver: string
  readonly options: Readonly<Record<string, string>>
  readonly exists: (path: string) => boolean
}

const knownKeys = new Set(["type", "device", "o", "uid", "gid", "size", "inodes", "noquota", "copy", "nocopy"])

/** Words of `o` that are kept once more under a name of their own. */
const noted: Readonly<Record<string, string>> = { size: "SIZE", inodes: "INODES", uid: "UID", gid: "GID" }

export const driverOptions = ({
  driver,
  exists,
  name,
  options,
}: DriverRequest): Result.Result<DriverOptions, VolumeOptionInvalid> => {
  const invalid = (problem: VolumeOptionInvalid["problem"], value: string) =>
    Result.fail(new VolumeOptionInvalid({ name, problem, value }))
  if (driver !== "local" && driver !== "") return invalid("driver", driver)
  const kept: Record<string, string> = { ...options }
  for (const [word, value] of mountWords(options["o"] ?? "")) {
    const key = noted[word]
    if (key !== undefined) kept[key] = value
    else if (word === "noquota") kept["NOQUOTA"] = "true"
  }
  for (const key of ["UID", "GID"] as const) {
    const value = kept[key]
    if (value !== undefined && !/^\d+$/.test(value)) return invalid(key === "UID" ? "uid" : "gid", value)
  }
  const unknown = Object.keys(kept).find((key) => !knownKeys.has(key.toLowerCase()))
  if (unknown !== undefined) return invalid("key", unknown)
  const { device = "", type = "" } = kept
  if (type.toLowerCase() === "bind" && !exists(device)) return invalid("device", device)
  // a limit is for a file system to keep: the one that is mounted, or one with project quotas, which is not used here
  if ((kept["SIZE"] ?? kept["INODES"]) !== undefined && type === "") return invalid("quota", "")
  return Result.succeed({
    options: Object.fromEntries(Object.entries(kept).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    ...(kept["UID"] === undefined ? {} : { uid: Number(kept["UID"]) }),
    ...(kept["GID"] === undefined ? {} : { gid: Number(kept["GID"]) }),
  })
}

const mountWords = (text: string): ReadonlyArray<readonly [string, string]> =>
  text
    .split(",")
    .filter((word) => word !== "")
    .map((word) => {
      const [key, value] = splitPair(word)
      return [key.toLowerCase(), value]
    })
