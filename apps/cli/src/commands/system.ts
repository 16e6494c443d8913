/** `info`, `system check` and `version`. */
import { CheckFlags, type HostFinding, type StateFinding, SystemEngine, type ToolFinding } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { flagTable, optionsOf } from "../flags.ts"
import { printDocument } from "../format.ts"
import type { CliCommand } from "../Handler.ts"
import { noArgs, tableText } from "../kit/index.ts"
import { writeOut } from "../output.ts"
import { libpodVersion, version } from "../version.ts"

const formatFlag = {
  format: { kind: "string", short: "f", usage: "Change the output format to JSON or a Go template" },
} as const

const capitalised = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(capitalised)
  if (value === null || typeof value !== "object") return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      fieldNames[key] ?? key.charAt(0).toUpperCase() + key.slice(1),
      capitalised(inner),
    ]),
  )
}

/** JSON keys and the names that Go, and so templates, have for them, where they differ by more than a capital. */
const fieldNames: Readonly<Record<string, string>> = { ociRuntime: "OCIRuntime", cpus: "CPUs", os: "OS" }

export const info: CliCommand = {
  name: "info",
  short: "Display cryopod system information",
  use: "[options]",
  example: "cryopod info\ncryopod info --format '{{.Host.OCIRuntime.Name}}'",
  flags: formatFlag,
  args: noArgs,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* SystemEngine
      const document = yield* engine.info
      const format = call.flags["format"]
      if (format === "json") yield* writeOut(`${JSON.stringify(document, undefined, 2)}\n`)
      else if (typeof format === "string" && format !== "")
        yield* printDocument(capitalised(document), format, { name: "info", typeName: "system.infoReport" })
      else {
        const tools = yield* engine.check({ deep: false }).pipe(
          Effect.map((found) => findingsTable(found.tools)),
          // Podman's service tells nothing of the programs it drives
          Effect.catchTag("NotSupported", () => Effect.succeed("")),
        )
        yield* writeOut(`${yamlOf(document, "")}${tools}`)
      }
      return 0
    }),
}

/** Maps and lists of plain values, indented as Podman's `info` is. */
const yamlOf = (value: object, indent: string): string =>
  Object.entries(value)
    .map(([key, inner]) => {
      if (inner !== null && typeof inner === "object")
        return `${indent}${key}:\n${yamlOf(inner as object, `${indent}  `)}`
      const text = String(inner)
      return text.includes("\n")
        ? `${indent}${key}: |-\n${text.replaceAll(/^/gm, `${indent}  `)}\n`
        : `${indent}${key}: ${text}\n`
    })
    .join("")

const findingsTable = (tools: ReadonlyArray<ToolFinding>) =>
  tableText([
    ["TOOL", "STATUS", "VERSION", "PATH", "PURPOSE"],
    ...tools.map(({ name, path, purpose, status, version: text }) => [name, status, text || "-", path || "-", purpose]),
  ])

export const check: CliCommand = {
  name: "check",
  short: "Tell whether this host can checkpoint and restore, and what to do if it cannot",
  use: "[options]",
  example: "cryopod system check\ncryopod system check --deep\ncryopod system check --format json",
  flags: { ...flagTable(CheckFlags), ...formatFlag },
  args: noArgs,
  handler: (call) =>
    Effect.gen(function* () {
      const found = yield* (yield* SystemEngine).check(optionsOf(CheckFlags, call))
      const { state = [] } = found
      const status = found.fit && state.length === 0 ? 0 : 1
      if (call.flags["format"] === "json") {
        yield* writeOut(`${JSON.stringify(found, undefined, 2)}\n`)
        return status
      }
      const facts = tableText([
        ["HOST", "STATUS", "VALUE"],
        ...found.host.map(({ name, status: state, value }) => [name, state, value]),
      ])
      const verdict = found.fit
        ? "This host can checkpoint and restore.\n"
        : "This host cannot checkpoint and restore.\n"
      yield* writeOut(
        `${findingsTable(found.tools)}\n${facts}\n${remedies([...found.tools, ...found.host])}${remedies(state)}${verdict}`,
      )
      return status
    }),
}

const remedies = (findings: ReadonlyArray<ToolFinding | HostFinding | StateFinding>): string =>
  findings
    .filter(({ problem }) => problem !== "")
    .map(({ name, problem, remedy }) => `${name}: ${problem}\n${remedy === "" ? "" : `  → ${remedy}\n`}`)
    .join("")

/** Go's names for what Node names otherwise. */
const goArchitectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" }

export const versionCommand: CliCommand = {
  name: "version",
  short: "Display the cryopod version information",
  use: "[options]",
  flags: formatFlag,
  args: noArgs,
  handler: (call) =>
    Effect.gen(function* () {
      const document = {
        Client: {
          APIVersion: libpodVersion,
          Version: version,
          Os: process.platform,
          OsArch: `${process.platform}/${goArchitectures[process.arch] ?? process.arch}`,
        },
      }
      const format = call.flags["format"]
      if (format === "json") yield* writeOut(`${JSON.stringify(document, undefined, 2)}\n`)
      else if (typeof format === "string" && format !== "")
        yield* printDocument(document, format, { name: "version", typeName: "*define.Version" })
      else
        yield* writeOut(
          `Version:     ${version}\nAPI Version: ${libpodVersion}\nOS/Arch:     ${document.Client.OsArch}\n`,
        )
      return 0
    }),
}
