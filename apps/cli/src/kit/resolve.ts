/**
 * Finds which command a command line names.
 *
 * Words before the command are flags of those above it, and are kept by the level they stood at, since a group may have
 * flags that its commands have not. It reads no flag's value; it only has to know which flags are followed by one.
 */
import { childNamed, commandOf, flagsOf } from "./Command.ts"
import type { Command, CommandPath } from "./Command.ts"
import { bareOf, shortNames } from "./Flags.ts"
import type { FlagTable } from "./Flags.ts"

export interface Level<Handler = unknown> {
  readonly path: CommandPath<Handler>
  readonly words: ReadonlyArray<string>
}

export interface Resolved<Handler = unknown> {
  /** The groups on the way, each with the words between its name and the next. */
  readonly above: ReadonlyArray<Level<Handler>>
  /** The command found, with all that follows. */
  readonly last: Level<Handler>
}

export const resolveCommand = <Handler>(root: Command<Handler>, argv: ReadonlyArray<string>): Resolved<Handler> => {
  const above: Array<Level<Handler>> = []
  let path: CommandPath<Handler> = [root]
  let words = argv
  for (;;) {
    const at = firstWord(flagsOf(path), words)
    const word = at === undefined ? undefined : words[at]
    const next = word === undefined ? undefined : childNamed(commandOf(path), word)
    if (at === undefined || next === undefined) return { above, last: { path, words } }
    above.push({ path, words: words.slice(0, at) })
    words = words.slice(at + 1)
    path = [...path, next]
  }
}

/**
 * Where the first word is that is neither a flag nor a flag's value. A flag nobody knows is taken to have a value: cobra
 * `command.go`, Traverse.
 */
const firstWord = (table: FlagTable, words: ReadonlyArray<string>): number | undefined => {
  const shorts = shortNames(table)
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ""
    if (word === "--") return undefined
    if (word.length < 2 || !word.startsWith("-")) return at
    const name = word.startsWith("--") ? word.slice(2) : word.length === 2 ? shorts.get(word.slice(1)) : ""
    const isAlone = word.includes("=") || name === ""
    const spec = name === undefined ? undefined : table[name]
    if (!isAlone && (spec === undefined || bareOf(spec) === undefined)) at++
  }
  return undefined
}
