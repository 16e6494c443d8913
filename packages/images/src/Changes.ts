/**
 * `--change` of `import`: instructions of a Dockerfile, applied to an image's execution configuration.
 *
 * Read as Podman does (containers/common `libimage`, ImageConfigFromChanges): instruction and value are parted by a
 * blank or, without one, by `=`; commands are a JSON array or else a line for `/bin/sh -c`.
 */
import { OptionInvalid } from "@cryopod/entities"
import * as Result from "effect/Result"
import type { ExecutionConfig } from "./Documents.ts"

type Applied = Result.Result<ExecutionConfig, OptionInvalid>

/** The configuration that the instructions make, in their order. */
export const applyChanges = (changes: ReadonlyArray<string>): Applied =>
  changes.reduce<Applied>(
    (applied, change) => Result.flatMap(applied, (config) => applyChange(config, change)),
    Result.succeed({}),
  )

const applyChange = (config: ExecutionConfig, change: string): Applied => {
  const invalid = (problem: string): Applied =>
    Result.fail(new OptionInvalid({ option: "change", value: change, problem }))
  const match = /^\s*([A-Za-z]+)(?:\s+|=)(.*)$/s.exec(change)
  if (match === null) return invalid("must be formatted as KEY VALUE")
  const value = (match[2] ?? "").trim()
  switch ((match[1] ?? "").toUpperCase()) {
    case "CMD":
      return Result.succeed({ ...config, Cmd: commandOf(value) })
    case "ENTRYPOINT":
      return Result.succeed({ ...config, Entrypoint: commandOf(value) })
    case "ENV": {
      const pairs = pairsOf(value)
      if (pairs === undefined) return invalid("must be formatted as ENV KEY=VALUE")
      return Result.succeed({ ...config, Env: mergeEnvironment(config.Env ?? [], pairs) })
    }
    case "LABEL": {
      const pairs = pairsOf(value)
      if (pairs === undefined) return invalid("must be formatted as LABEL KEY=VALUE")
      return Result.succeed({ ...config, Labels: { ...config.Labels, ...Object.fromEntries(pairs) } })
    }
    case "EXPOSE": {
      const ports = value.split(/\s+/).map(portOf)
      if (ports.includes(undefined)) return invalid("must be a port, as 80 or 53/udp")
      return Result.succeed({
        ...config,
        ExposedPorts: { ...config.ExposedPorts, ...Object.fromEntries(ports.map((port) => [port, {}])) },
      })
    }
    case "VOLUME": {
      const volumes = jsonWords(value) ?? value.split(/\s+/)
      return Result.succeed({
        ...config,
        Volumes: { ...config.Volumes, ...Object.fromEntries(volumes.map((path) => [path, {}])) },
      })
    }
    case "USER":
      return value === "" ? invalid("needs a user") : Result.succeed({ ...config, User: value })
    case "WORKDIR":
      return value.startsWith("/")
        ? Result.succeed({ ...config, WorkingDir: value })
        : invalid("must be an absolute path")
    case "STOPSIGNAL":
      return /^(?:SIG)?[A-Z0-9+-]+$/i.test(value)
        ? Result.succeed({ ...config, StopSignal: value })
        : invalid("must be a signal")
    default:
      return invalid("is none of CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR")
  }
}

const commandOf = (value: string): ReadonlyArray<string> =>
  jsonWords(value) ?? (value === "" ? [] : ["/bin/sh", "-c", value])

/** `["a", "b"]`, and nothing else. */
const jsonWords = (value: string): ReadonlyArray<string> | undefined => {
  if (!value.startsWith("[")) return undefined
  try {
    const words: unknown = JSON.parse(value)
    return Array.isArray(words) && words.every((word) => typeof word === "string") ? words : undefined
  } catch {
    return undefined
  }
}

/** `A=1 B="two words"`, or the older `A one value`. */
const pairsOf = (value: string): ReadonlyArray<readonly [string, string]> | undefined => {
  const old = /^([^\s=]+)\s+(.+)$/s.exec(value)
  if (old !== null) return [[old[1] ?? "", unquoted(old[2] ?? "")]]
  const words = value.match(/(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|\S)+/gs) ?? []
  if (words.length === 0 || !words.every((word) => /^[^=]+=/.test(word))) return undefined
  return words.map((word) => {
    const equals = word.indexOf("=")
    return [unquoted(word.slice(0, equals)), unquoted(word.slice(equals + 1))]
  })
}

const unquoted = (text: string): string =>
  text.replaceAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/gs, (_, double?: string, single?: string, escaped?: string) =>
    double !== undefined ? double.replaceAll(/\\(.)/gs, "$1") : (single ?? escaped ?? ""),
  )

/** A variable that is set again keeps its place. */
const mergeEnvironment = (
  before: ReadonlyArray<string>,
  pairs: ReadonlyArray<readonly [string, string]>,
): ReadonlyArray<string> => {
  const variables = new Map(before.map((entry) => [entry.slice(0, entry.indexOf("=")), entry] as const))
  for (const [key, value] of pairs) variables.set(key, `${key}=${value}`)
  return [...variables.values()]
}

const portOf = (text: string): string | undefined => {
  const match = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(text)
  if (match === null || Number(match[1]) < 1 || Number(match[1]) > 65_535) return undefined
  return `${Number(match[1])}/${(match[2] ?? "tcp").toLowerCase()}`
}
