/**
 * Command trees: the names, flags and help texts of a command-line program, as plain data.
 *
 * A command carries a handler of whatever type the program chooses and the kit never calls it, so reading a command
 * line, printing help and completing words need nothing of what a command does. Rules about the number of arguments
 * stand here in the words users of Podman know; rules about anything else are the program's.
 */
import type { CompletionHook } from "./complete.ts"
import type { FlagTable, ParsedFlags } from "./Flags.ts"

export interface Command<Handler = unknown> {
  readonly name: string
  /** One line, for the list in the parent's help page and the first line of its own. */
  readonly short: string
  /** The Description of the help page; `short` stands in for it. */
  readonly long?: string
  /** What follows the command's path in the usage line: `[options] CONTAINER [CONTAINER...]`. */
  readonly use?: string
  /** Lines of the Examples section. */
  readonly example?: string
  readonly aliases?: ReadonlyArray<string>
  readonly hidden?: boolean
  /** What `--version` prints; without it there is no such flag. */
  readonly version?: string
  /** Flags of this command alone. */
  readonly flags?: FlagTable
  /** Flags of this command and of all below it. */
  readonly persistent?: FlagTable
  readonly commands?: ReadonlyArray<Command<Handler>>
  /** Flags end at the first positional argument: what follows belongs to somebody else. */
  readonly stopAtFirst?: boolean
  /** Says what is wrong with the arguments; undefined if nothing is. */
  readonly args?: ArgsRule
  /** Candidates for the next positional argument. Without it, none. */
  readonly complete?: CompletionHook
  /** Absent on a command that only groups others. */
  readonly handler?: Handler
}

/** From the root to a command, never empty. */
export type CommandPath<Handler = unknown> = readonly [Command<Handler>, ...ReadonlyArray<Command<Handler>>]

export interface ArgsContext extends ParsedFlags {
  readonly path: CommandPath
  readonly args: ReadonlyArray<string>
}

export type ArgsRule = (context: ArgsContext) => string | undefined

export const commandOf = <Handler>(path: CommandPath<Handler>): Command<Handler> => path.at(-1) ?? path[0]

/** `cryopod container checkpoint` */
export const pathText = (path: CommandPath): string => path.map((command) => command.name).join(" ")

/** Walks down from the root by names or aliases; undefined as soon as a word names nothing. */
export const findCommand = <Handler>(
  root: Command<Handler>,
  words: ReadonlyArray<string>,
): CommandPath<Handler> | undefined => {
  let path: CommandPath<Handler> = [root]
  for (const word of words) {
    const next = childNamed(commandOf(path), word)
    if (next === undefined) return undefined
    path = [...path, next]
  }
  return path
}

export const childNamed = <Handler>(parent: Command<Handler>, word: string): Command<Handler> | undefined =>
  parent.commands?.find((child) => child.name === word || child.aliases?.includes(word) === true)

/** The flags a command takes: its own, those inherited, and `--help`; `-h` too, unless it means something else. */
export const flagsOf = (path: CommandPath): FlagTable => {
  const own = ownFlagsOf(path)
  return own["help"] === undefined ? { ...own, help: helpFlag(path, own) } : own
}

const ownFlagsOf = (path: CommandPath): FlagTable => {
  const { flags = {}, name, version } = commandOf(path)
  const versionFlag: FlagTable =
    version === undefined ? {} : { version: { kind: "bool", short: "v", usage: `version for ${name}` } }
  return Object.assign({}, ...path.map((command) => command.persistent ?? {}), flags, versionFlag) as FlagTable
}

const helpFlag = (path: CommandPath, others: FlagTable): FlagTable[string] => ({
  kind: "bool",
  usage: `Help for ${commandOf(path).name}`,
  hidden: true,
  ...(Object.values(others).some((spec) => spec.short === "h") ? {} : { short: "h" }),
})

/** Takes no arguments. Podman `cmd/podman/validate/args.go`. */
export const noArgs: ArgsRule = ({ path, args }) =>
  args.length === 0 ? undefined : `\`${pathText(path)}\` takes no arguments`

/** This and the next three: cobra `args.go`. */
export const exactArgs =
  (count: number): ArgsRule =>
  ({ args }) =>
    args.length === count ? undefined : `accepts ${count} arg(s), received ${args.length}`

export const minimumArgs =
  (count: number): ArgsRule =>
  ({ args }) =>
    args.length >= count ? undefined : `requires at least ${count} arg(s), only received ${args.length}`

export const maximumArgs =
  (count: number): ArgsRule =>
  ({ args }) =>
    args.length <= count ? undefined : `accepts at most ${count} arg(s), received ${args.length}`

export const rangeArgs =
  (minimum: number, maximum: number): ArgsRule =>
  ({ args }) =>
    args.length >= minimum && args.length <= maximum
      ? undefined
      : `accepts between ${minimum} and ${maximum} arg(s), received ${args.length}`

/**
 * Names, or `--all`, or `--latest`, or `--filter`, and one of these only; flags the command lacks do not count.
 * Podman `cmd/podman/validate/args.go`.
 */
export const namesOrAll: ArgsRule = ({ args, flags, changed }) => {
  const all = flags["all"] === true
  const latest = flags["latest"] === true
  if (changed.has("filter")) return args.length > 0 ? "--filter takes no arguments" : undefined
  if (all && latest) return "--all and --latest cannot be used together"
  if (all && args.length > 0) return "no arguments are needed with --all"
  if (latest && args.length > 0) return "--latest and containers cannot be used together"
  return args.length === 0 && !all && !latest ? "you must provide at least one name or id" : undefined
}

/** Something to look at. Podman `cmd/podman/{containers/wait,diff}.go`. */
export const nameOrLatest: ArgsRule = ({ path, args, flags }) =>
  args.length === 0 && flags["latest"] !== true
    ? `"${pathText(path)}" requires a name, id, or the "--latest" flag`
    : undefined

/**
 * Names that begin with what was typed, or are at most so many letters off. Podman leaves cobra's distance of 2 to the
 * program itself, and has none for its groups.
 */
export const suggestionsFor = (parent: Command, typed: string, distance = 2): ReadonlyArray<string> => {
  const wanted = typed.toLowerCase()
  return (parent.commands ?? [])
    .filter((child) => child.hidden !== true)
    .map((child) => child.name)
    .filter((name) => name.toLowerCase().startsWith(wanted) || editDistance(wanted, name.toLowerCase()) <= distance)
}

/** Letters to add, drop or change to get from one word to the other (Levenshtein). */
const editDistance = (from: string, to: string): number => {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let line = 1; line <= from.length; line++) {
    const next = [line]
    for (let column = 1; column <= to.length; column++) {
      const change = (row[column - 1] ?? 0) + (from[line - 1] === to[column - 1] ? 0 : 1)
      next.push(Math.min(change, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
