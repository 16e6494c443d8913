/**
 * A command line, read the way pflag and cobra read one.
 *
 * First the words that name sub-commands are found, stepping over flags and their values; then the flags of the command
 * found are read, anywhere among its arguments. Ends in a value: a call to make, a help page to show, or what is wrong.
 * It neither prints nor exits nor runs anything, and it checks no rule that a flag table or an args rule does not state.
 */
import { commandOf, flagsOf, pathText, suggestionsFor } from "./Command.ts"
import type { Command, CommandPath } from "./Command.ts"
import type { FlagTable, ParsedFlags } from "./Flags.ts"
import { readFlags } from "./readFlags.ts"
import type { FlagsRead } from "./readFlags.ts"
import { resolveCommand } from "./resolve.ts"

/** A command line that means something. */
export interface Call<Handler = unknown> extends FlagsRead {
  readonly _tag: "call"
  readonly path: CommandPath<Handler>
  readonly command: Command<Handler>
}

/** `--help` was among the flags. */
export interface HelpWanted<Handler = unknown> {
  readonly _tag: "help"
  readonly path: CommandPath<Handler>
}

/** `--version` was among the flags. */
export interface VersionWanted {
  readonly _tag: "version"
  readonly text: string
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

export type ParseResult<Handler = unknown> = Call<Handler> | HelpWanted<Handler> | VersionWanted | UsageProblem<Handler>

/** `argv` is without the program's own name. */
export const parse = <Handler>(root: Command<Handler>, argv: ReadonlyArray<string>): ParseResult<Handler> => {
  const { above, last } = resolveCommand(root, argv)
  let before: ParsedFlags | undefined
  for (const level of above) {
    const read = readFlags(flagsOf(level.path), level.words, { stopAtFirst: false, ...(before && { before }) })
    if ("problem" in read) return flagProblem(level.path, read.problem)
    before = withoutShadowed(read, commandOf(last.path).flags ?? {})
  }
  const { path, words } = last
  const command = commandOf(path)
  const stopAtFirst = command.stopAtFirst === true
  const read = readFlags(flagsOf(path), words, { stopAtFirst, ...(before && { before }) })
  if ("problem" in read) return flagProblem(path, read.problem)
  if (read.flags["help"] === true) return { _tag: "help", path }
  if (command.version !== undefined && read.flags["version"] === true) return { _tag: "version", text: command.version }
  if (command.handler === undefined) return groupAlone(path, read.args)
  const message = command.args?.({ path, args: read.args, flags: read.flags, changed: read.changed })
  return message === undefined
    ? { _tag: "call", path, command, ...read }
    : { _tag: "problem", path, message, showHelp: false }
}

/** What was read above a command does not count for a flag of the same name that it has itself. */
const withoutShadowed = ({ flags, changed }: ParsedFlags, own: FlagTable): ParsedFlags => ({
  flags: Object.fromEntries(Object.entries(flags).filter(([name]) => !Object.hasOwn(own, name) || name === "help")),
  changed: new Set([...changed].filter((name) => !Object.hasOwn(own, name))),
})

const flagProblem = <Handler>(path: CommandPath<Handler>, message: string): UsageProblem<Handler> => ({
  _tag: "problem",
  path,
  message,
  hint: `See '${pathText(path)} --help'`,
  showHelp: false,
})

/** Podman `cmd/podman/validate/args.go`, SubCommandExists. */
const groupAlone = <Handler>(path: CommandPath<Handler>, args: ReadonlyArray<string>): UsageProblem<Handler> => {
  const name = pathText(path)
  const [word] = args
  if (word === undefined) return { _tag: "problem", path, message: `missing command '${name} COMMAND'`, showHelp: true }
  const suggestions = suggestionsFor(commandOf(path), word, path.length === 1 ? 2 : 0)
  const meant = suggestions.length === 0 ? "" : `\n\nDid you mean this?\n\t${suggestions.join("\n\t")}\n`
  const message = `unrecognized command \`${name} ${word}\`${meant}`
  return { _tag: "problem", path, message, hint: `Try '${name} --help' for more information`, showHelp: false }
}
