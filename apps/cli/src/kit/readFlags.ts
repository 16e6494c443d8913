/**
 * Reads the flags out of the words after a command's name, in any order, and leaves the arguments.
 *
 * The forms are pflag's: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-n=value`, letters run together, `--` for
 * the end. Stops at the first thing that is wrong, in pflag's words, and says which flag lacked its value if one did.
 */
import { bareOf, defaultOf, labelOf, shortNames } from "./Flags.ts"
import type { FlagSpec, FlagTable, FlagValue, ParsedFlags } from "./Flags.ts"
import { readFlagValue } from "./flagValue.ts"
import { goQuote } from "./goQuote.ts"

export interface FlagsRead extends ParsedFlags {
  readonly args: ReadonlyArray<string>
  /** How many arguments came before `--`; -1 without one. */
  readonly dashAt: number
}

export interface FlagsProblem {
  readonly problem: string
  /** The flag whose value would have been the next word, if there had been one. */
  readonly lacksValue?: string
}

export interface ReadOptions {
  readonly stopAtFirst: boolean
  /** What the levels above have read. */
  readonly before?: ParsedFlags
}

export const readFlags = (
  table: FlagTable,
  words: ReadonlyArray<string>,
  { stopAtFirst, before }: ReadOptions,
): FlagsRead | FlagsProblem => {
  const flags: Record<string, FlagValue> = { ...before?.flags }
  for (const [name, spec] of Object.entries(table)) flags[name] ??= defaultOf(spec)
  const changed = new Set(before?.changed)
  const shorts = shortNames(table)
  const args: Array<string> = []

  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ""
    if (word === "--") return { flags, changed, dashAt: args.length, args: [...args, ...words.slice(at + 1)] }
    if (word.length < 2 || !word.startsWith("-")) {
      if (stopAtFirst) return { flags, changed, dashAt: -1, args: words.slice(at) }
      args.push(word)
      continue
    }
    const given = word.startsWith("--") ? longFlag(table, word) : shortFlags(table, shorts, word)
    if ("problem" in given) return given
    for (const { name, spec, value, missing } of given) {
      const text = value ?? words[++at]
      if (text === undefined) return { problem: `flag needs an argument: ${missing}`, lacksValue: name }
      const result = readFlagValue(spec, text, changed.has(name) ? flags[name] : undefined)
      if ("problem" in result) {
        const flag = goQuote(labelOf(name, spec))
        return { problem: `invalid argument ${goQuote(text)} for ${flag} flag: ${result.problem}` }
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

type GivenFlags = ReadonlyArray<GivenFlag>

/** `--name`, `--name=value` or `--name value`. */
const longFlag = (table: FlagTable, word: string): GivenFlags | FlagsProblem => {
  const body = word.slice(2)
  if (/^[-=]/.test(body)) return { problem: `bad flag syntax: ${word}` }
  const equals = body.indexOf("=")
  const typed = equals < 0 ? body : body.slice(0, equals)
  const name = Object.keys(table).find((known) => known === typed || table[known]?.aliases?.includes(typed) === true)
  const spec = name === undefined ? undefined : table[name]
  if (name === undefined || spec === undefined) return { problem: `unknown flag: --${typed}` }
  return [{ name, spec, value: equals < 0 ? bareOf(spec) : body.slice(equals + 1), missing: word }]
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
    if (left.length > 2 && left[1] === "=") return [...found, { name, spec, value: left.slice(2), missing }]
    const bare = bareOf(spec)
    if (bare === undefined)
      return [...found, { name, spec, value: left.length > 1 ? left.slice(1) : undefined, missing }]
    found.push({ name, spec, value: bare, missing })
  }
  return found
}
