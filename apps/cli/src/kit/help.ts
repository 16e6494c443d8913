/**
 * Help pages and usage messages, laid out as Podman lays out its own.
 *
 * Turns a command tree into text. It decides nothing: which page to show and where it goes is in the result of a parse.
 */
import { commandOf, pathText } from "./Command.ts"
import type { Command, CommandPath } from "./Command.ts"
import type { FlagSpec, FlagTable } from "./Flags.ts"
import { goQuote } from "./goQuote.ts"
import { durationText } from "./human.ts"
import type { UsageProblem } from "./parse.ts"

/** The whole page, with its last newline. */
export const helpPage = (path: CommandPath): string => {
  const command = commandOf(path)
  const isRoot = path.length === 1
  const sections = [
    command.short,
    ...(isRoot && command.long === undefined ? [] : [`Description:\n${indent(command.long ?? command.short)}`]),
    `Usage:\n  ${usageLine(path)}`,
    ...(command.aliases === undefined || command.aliases.length === 0
      ? []
      : [`Aliases:\n  ${[command.name, ...command.aliases].join(", ")}`]),
    ...(command.example === undefined ? [] : [`Examples:\n${indent(command.example)}`]),
    ...listOfCommands(command),
    ...listOfOptions({ ...command.persistent, ...command.flags }),
  ]
  return `${sections.join("\n\n")}\n${isRoot ? "" : "\n"}`
}

/** What goes to stderr for a command line that means nothing. */
export const problemText = ({ message, hint }: UsageProblem): string =>
  `Error: ${message}\n${hint === undefined ? "" : `${hint}\n`}`

/** `cryopod container checkpoint [options] CONTAINER [CONTAINER...]` */
export const usageLine = (path: CommandPath): string => {
  const { use, flags, persistent, commands } = commandOf(path)
  const options = flags === undefined && persistent === undefined ? "" : " [options]"
  const rest = use === undefined ? `${options}${commands === undefined ? "" : " [command]"}` : ` ${use}`
  return `${pathText(path)}${rest}`
}

const indent = (text: string): string =>
  text
    .trim()
    .split("\n")
    .map((line) => (line.trim() === "" ? "" : `  ${line}`))
    .join("\n")

/** Names are padded to eleven characters at least: cobra `command.go`, minNamePadding. */
const minimumNameWidth = 11

const listOfCommands = ({ commands }: Command): ReadonlyArray<string> => {
  const shown = (commands ?? []).filter((command) => command.hidden !== true)
  if (shown.length === 0) return []
  const width = Math.max(minimumNameWidth, ...shown.map((command) => command.name.length))
  const lines = shown
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .map((command) => `  ${command.name.padEnd(width)} ${command.short}`)
  return [["Available Commands:", ...lines].join("\n")]
}

const listOfOptions = (table: FlagTable): ReadonlyArray<string> => {
  const text = optionLines(table)
  return text === "" ? [] : [`Options:\n${text}`]
}

/** One line a flag, by name; further lines of a usage text stand under its first. pflag `flag.go`, FlagUsages. */
export const optionLines = (table: FlagTable): string => {
  const rows = Object.entries(table)
    .filter(([, spec]) => spec.hidden !== true)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, spec]) => ({ head: optionHead(name, spec), text: `${spec.usage}${defaultNote(spec)}` }))
  const width = Math.max(0, ...rows.map(({ head }) => head.length)) + 3
  return rows
    .map(({ head, text }) => `${head.padEnd(width)}${text.replaceAll("\n", `\n${" ".repeat(width)}`)}`)
    .join("\n")
}

const optionHead = (name: string, spec: FlagSpec): string => {
  const value = valueNameOf(spec)
  return `  ${spec.short === undefined ? "   " : `-${spec.short},`} --${name}${value === "" ? "" : ` ${value}`}${bareNote(spec)}`
}

const valueNameOf = (spec: FlagSpec): string => {
  if (spec.valueName !== undefined) return spec.valueName
  if (spec.kind === "string" && spec.choices !== undefined) return "choice"
  return spec.kind === "bool" ? "" : spec.kind
}

const bareNote = ({ kind, bare }: FlagSpec): string => {
  if (bare === undefined || (kind === "bool" && bare === "true") || (kind === "count" && bare === "+1")) return ""
  return kind === "string" ? `[=${goQuote(bare)}]` : `[=${bare}]`
}

const defaultNote = (spec: FlagSpec): string => {
  const text = spec.defaultText ?? defaultText(spec)
  return text === "" ? "" : ` (default ${text})`
}

const defaultText = (spec: FlagSpec): string => {
  switch (spec.kind) {
    case "bool":
      return spec.default === true ? "true" : ""
    case "ip":
    case "string":
      return spec.default === undefined || spec.default === "" ? "" : goQuote(spec.default)
    case "strings":
    case "stringArray":
      return spec.default === undefined || spec.default.length === 0 ? "" : `[${spec.default.join(",")}]`
    case "duration":
      return spec.default === undefined || spec.default === 0 ? "" : durationText(spec.default)
    case "int":
    case "uint":
    case "float":
    case "count":
      return spec.default === undefined || spec.default === 0 ? "" : String(spec.default)
  }
}
