/**
 * A command line, read the way pflag and cobra read one.
 *
 * First the words that name sub-commands are found, stepping over flags and their values; then the flags of the command
 * found are read, anywhere among its arguments. Ends in a value: a call to make, a help page to show, or what is wrong.
 * It neither prints nor exits nor runs anything, and it checks no rule that a flag table or an args rule does not state.
 */
import { childNamed, commandOf, flagsOf, pathText, suggestionsFor } from "./Command.ts"
import type { Command, CommandPath } from "./Command.ts"
import { bareOf, defaultOf, labelOf, shortNames } from "./Flags.ts"
import type { FlagSpec, FlagTable, FlagValue, ParsedFlags } from "./Flags.ts"
import { readFlagValue } from "./flagValue.ts"
import { goQuote } from "./goQuote.ts"

/** A command line that means something. */
export interface Call<Handler = unknown> extends ParsedFlags {
  readonly _tag: "call"
  readonly path: CommandPath<Handler>
  readonly command: Command<Handler>
  readonly args: ReadonlyArray<string>
  /** How many arguments came before `--`; -1 without one. */
  readonly dashAt: number
}

/** `--help` was among the flags. */
export interface HelpWanted<Handler = unknown> {
  readonly _tag: "help"
  readonly path: CommandPath<Handler>
}

/** A command line that means nothing. */
export interface UsageProblem<Handler = unknown> {
  readonly _tag: "problem"
  readonly path: CommandPath<Handler>
  readonly message: string
  /** Where to look, on a line of its own after the message. */
  readonly hint?: string
  /** A group was named and none of its commands: its help page goes to stdout before the message goes to stderr. */
  readonly showHelp: boolean
}

export type ParseResult<Handler = unknown> = Call<Handler> | HelpWanted<Handler> | UsageProblem<Handler>

/** `argv` is without the program's own name. */
export const parse = <Handler>(root: Command<Handler>, argv: ReadonlyArray<string>): ParseResult<Handler> => {
  const { path, rest } = resolveCommand(root, argv)
  const command = commandOf(path)
  const read = readFlags(flagsOf(path), rest, { stopAtFirst: command.stopAtFirst === true })
  if ("problem" in read)
    return { _tag: "problem", path, message: read.problem, hint: `See '${pathText(path)} --help'`, showHelp: false }
  if (read.flags["help"] === true) return { _tag: "help", path }
  if (command.handler === undefined) return groupAlone(path, read.args)
  const message = command.args?.({ path, args: read.args, flags: read.flags, changed: read.changed })
  return message === undefined
    ? { _tag: "call", path, command, ...read }
    : { _tag: "problem", path, message, showHelp: false }
}

/** Podman `cmd/podman/validate/args.go`, SubCommandExists. */
const groupAlone = <Handler>(path: CommandPath<Handler>, args: ReadonlyArray<string>): UsageProblem<Handler> => {
  const name = pathText(path)
  const [word] = args
  if (word === undefined) return { _tag: "problem", path, message: `missing command '${name} COMMAND'`, showHelp: true }
  const suggestions = suggestionsFor(commandOf(path), word)
  const meant = suggestions.length === 0 ? "" : `\n\nDid you mean this?\n\t${suggestions.join("\n\t")}\n`
  const message = `unrecognized command \`${name} ${word}\`${meant}`
  return { _tag: "problem", path, message, hint: `Try '${name} --help' for more information`, showHelp: false }
}

export interface ResolvedCommand<Handler> {
  readonly path: CommandPath<Handler>
  /** The command line without the words that named the path. */
  readonly rest: ReadonlyArray<string>
}

/** Finds the command a line names. Only flags known so far can be stepped over with their values. */
export const resolveCommand = <Handler>(
  root: Command<Handler>,
  argv: ReadonlyArray<string>,
): ResolvedCommand<Handler> => {
  let path: CommandPath<Handler> = [root]
  const rest = [...argv]
  for (;;) {
    const at = firstWord(flagsOf(path), rest)
    const word = at === undefined ? undefined : rest[at]
    const next = word === undefined ? undefined : childNamed(commandOf(path), word)
    if (at === undefined || next === undefined) return { path, rest }
    rest.splice(at, 1)
    path = [...path, next]
  }
}

/**
 * Where the first word is that is neither a flag nor a flag's value. A flag nobody knows is taken to have a value, unless
 * that would be the last word: cobra `command.go`, stripFlags.
 */
const firstWord = (table: FlagTable, words: ReadonlyArray<string>): number | undefined => {
  const shorts = shortNames(table)
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ""
    if (word === "--") return undefined
    if (word !== "" && (!word.startsWith("-") || word === "-")) return at
    const long = word.startsWith("--")
    if (word === "" || word.includes("=") || (!long && word.length !== 2)) continue
    const spec = table[long ? word.slice(2) : (shorts.get(word.slice(1)) ?? "")]
    if (spec !== undefined && bareOf(spec) !== undefined) continue
    if (words.length - at - 1 <= 1) return undefined
    at++
  }
  return undefined
}

interface FlagsRead extends ParsedFlags {
  readonly args: ReadonlyArray<string>
  readonly dashAt: number
}

interface FlagsProblem {
  readonly problem: string
}

/** Reads flags out of words, in any order, and leaves the arguments. Stops at the first thing that is wrong. */
const readFlags = (
  table: FlagTable,
  words: ReadonlyArray<string>,
  { stopAtFirst }: { readonly stopAtFirst: boolean },
): FlagsRead | FlagsProblem => {
  const flags: Record<string, FlagValue> = {}
  for (const [name, spec] of Object.entries(table)) flags[name] = defaultOf(spec)
  const changed = new Set<string>()
  const shorts = shortNames(table)
  const args: Array<string> = []

  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ""
    if (word === "--") {
      return { flags, changed, dashAt: args.length, args: [...args, ...words.slice(at + 1)] }
    }
    if (word.length < 2 || !word.startsWith("-")) {
      if (stopAtFirst) return { flags, changed, dashAt: -1, args: words.slice(at) }
      args.push(word)
      continue
    }
    const given = word.startsWith("--") ? longFlag(table, word) : shortFlags(table, shorts, word)
    if ("problem" in given) return given
    for (const { name, spec, value, missing } of given.found) {
      const text = value ?? words[++at]
      if (text === undefined) return { problem: `flag needs an argument: ${missing}` }
      const result = readFlagValue(spec, text, changed.has(name) ? flags[name] : undefined)
      if ("problem" in result)
        return {
          problem: `invalid argument ${goQuote(text)} for ${goQuote(labelOf(name, spec))} flag: ${result.problem}`,
        }
      flags[name] = result.value
      changed.add(name)
    }
  }
  return { flags, changed, args, dashAt: -1 }
}

interface GivenFlag {
  readonly name: string
  readonly spec: FlagSpec
  /** Undefined if it is the next word. */
  readonly value: string | undefined
  /** How to name the flag if there is no next word. */
  readonly missing: string
}

interface GivenFlags {
  readonly found: ReadonlyArray<GivenFlag>
}

/** `--name`, `--name=value` or `--name value`. */
const longFlag = (table: FlagTable, word: string): GivenFlags | FlagsProblem => {
  const body = word.slice(2)
  if (/^[-=]/.test(body)) return { problem: `bad flag syntax: ${word}` }
  const equals = body.indexOf("=")
  const name = equals < 0 ? body : body.slice(0, equals)
  const spec = Object.hasOwn(table, name) ? table[name] : undefined
  if (spec === undefined) return { problem: `unknown flag: --${name}` }
  return { found: [{ name, spec, value: equals < 0 ? bareOf(spec) : body.slice(equals + 1), missing: word }] }
}

/** `-k`, `-kR`, `-t0`, `-t 0`, `-t=0`, `-ft0`: letters up to and with the first that takes a value. */
const shortFlags = (table: FlagTable, shorts: ReadonlyMap<string, string>, word: string): GivenFlags | FlagsProblem => {
  const found: Array<GivenFlag> = []
  for (let left = word.slice(1); left !== ""; left = left.slice(1)) {
    const letter = left.slice(0, 1)
    const name = shorts.get(letter)
    const spec = name === undefined ? undefined : table[name]
    if (name === undefined || spec === undefined)
      return { problem: `unknown shorthand flag: ${goQuote(letter, "'")} in -${left}` }
    const missing = `${goQuote(letter, "'")} in -${left}`
    if (left.length > 2 && left[1] === "=") return { found: [...found, { name, spec, value: left.slice(2), missing }] }
    const bare = bareOf(spec)
    if (bare === undefined)
      return { found: [...found, { name, spec, value: left.length > 1 ? left.slice(1) : undefined, missing }] }
    found.push({ name, spec, value: bare, missing })
  }
  return { found }
}
