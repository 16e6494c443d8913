/**
 * Shell completion by asking the program: cobra's `__complete` protocol.
 *
 * The shell script hands over the words of the line up to the cursor, the last of them perhaps empty, and gets back one
 * candidate a line, its description after a tab, and a last line `:N` with a directive. Words of the tree and of flag
 * tables are answered here; names of containers and the like come from hooks. A hook that fails completes nothing.
 */
import { childNamed, commandOf, flagsOf } from "./Command.ts"
import type { Command, CommandPath } from "./Command.ts"
import { shortNames } from "./Flags.ts"
import type { FlagSpec, FlagTable, ParsedFlags } from "./Flags.ts"
import { readFlags } from "./readFlags.ts"
import type { FlagsRead } from "./readFlags.ts"
import { resolveCommand } from "./resolve.ts"

export interface Candidate {
  readonly word: string
  readonly description?: string
}

export interface Completion {
  /** Those that do not begin with what was typed are left out for the hook. */
  readonly candidates: ReadonlyArray<Candidate>
  /** The shell adds no space: there is more to come. @default false */
  readonly noSpace?: boolean
  /** The shell completes file names if no candidate fits. @default false */
  readonly files?: boolean
}

export interface CompletionRequest extends ParsedFlags {
  readonly path: CommandPath
  /** The arguments before the one to complete. */
  readonly args: ReadonlyArray<string>
  readonly toComplete: string
}

export type CompletionHook = (request: CompletionRequest) => Promise<Completion>

export interface CompletionOutput {
  readonly stdout: string
  readonly stderr: string
}

/** Candidates from plain words. */
export const candidatesOf = (words: Iterable<string>): Completion => ({
  candidates: [...words].map((word) => ({ word })),
})

/** cobra `completions.go`, ShellCompDirective. */
const directives = [
  [1, "ShellCompDirectiveError"],
  [2, "ShellCompDirectiveNoSpace"],
  [4, "ShellCompDirectiveNoFileComp"],
] as const

const files: Completion = { candidates: [], files: true }

/** The answer to `__complete WORD...` or `__completeNoDesc WORD...`; undefined if the line is not such a question. */
export const completionFor = async (
  root: Command,
  argv: ReadonlyArray<string>,
): Promise<CompletionOutput | undefined> => {
  const [question, ...words] = argv
  if (question !== "__complete" && question !== "__completeNoDesc") return undefined
  const toComplete = words.at(-1) ?? ""
  try {
    const answer = await complete(root, { before: words.slice(0, -1), toComplete })
    return written(answer, question === "__complete")
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const { stdout, stderr } = written({ candidates: [], failed: true }, false)
    return { stdout, stderr: `[Debug] [Error] ${reason}\n${stderr}` }
  }
}

const written = (
  { candidates, noSpace, files, failed }: Completion & { readonly failed?: boolean },
  withDescriptions: boolean,
): CompletionOutput => {
  const bits = (failed === true ? 1 : 0) + (noSpace === true ? 2 : 0) + (files === true || failed === true ? 0 : 4)
  const lines = candidates.map(({ word, description = "" }) => {
    const [line = ""] = description.split("\n")
    return withDescriptions && line.trim() !== "" ? `${word}\t${line.trim()}` : word
  })
  const names = directives.filter(([bit]) => (bits & bit) !== 0).map(([, name]) => name)
  const said = names.length === 0 ? "ShellCompDirectiveDefault" : names.join(", ")
  return { stdout: [...lines, `:${bits}`, ""].join("\n"), stderr: `Completion ended with directive: ${said}\n` }
}

interface Line {
  /** The words before the cursor's. */
  readonly before: ReadonlyArray<string>
  readonly toComplete: string
}

const complete = async (root: Command, { before, toComplete }: Line): Promise<Completion> => {
  const { last } = resolveCommand(root, before)
  const { path, words } = last
  const command = commandOf(path)
  const table = flagsOf(path)
  const read = readFlags(table, words, { stopAtFirst: command.stopAtFirst === true })
  if ("problem" in read) return unfinished(path, { words, toComplete, lacking: read.lacksValue })
  const onlyArguments = read.dashAt >= 0 || (command.stopAtFirst === true && read.args.length > 0)
  const request = requestOf(path, read, toComplete)
  if (onlyArguments || !toComplete.startsWith("-")) return positional(command, request)
  const equals = toComplete.indexOf("=")
  if (equals < 0) return flagNames({ ...command.persistent, ...command.flags }, request)
  const spec = namedFlag(table, toComplete.slice(0, equals))
  return spec === undefined ? files : flagValue(spec, { ...request, toComplete: toComplete.slice(equals + 1) })
}

const requestOf = (path: CommandPath, read: FlagsRead, toComplete: string): CompletionRequest => ({
  path,
  toComplete,
  args: read.args,
  flags: read.flags,
  changed: read.changed,
})

interface Unfinished {
  readonly words: ReadonlyArray<string>
  readonly toComplete: string
  /** The flag that the last word left without a value. */
  readonly lacking: string | undefined
}

const unfinished = async (path: CommandPath, { words, toComplete, lacking }: Unfinished): Promise<Completion> => {
  const table = flagsOf(path)
  const spec = lacking === undefined ? undefined : table[lacking]
  if (spec === undefined) return files
  const read = readFlags(table, words.slice(0, -1), { stopAtFirst: false })
  return "problem" in read ? files : flagValue(spec, requestOf(path, read, toComplete))
}

const namedFlag = (table: FlagTable, flag: string): FlagSpec | undefined =>
  flag.startsWith("--") ? table[flag.slice(2)] : table[shortNames(table).get(flag.slice(-1)) ?? ""]

/** A hook's word, the choices, nothing for numbers; files for any other text. */
const flagValue = async (spec: FlagSpec, request: CompletionRequest): Promise<Completion> => {
  if (spec.complete !== undefined) return fitting(await spec.complete(request), request.toComplete)
  if (spec.kind === "string" && spec.choices !== undefined)
    return fitting(candidatesOf(spec.choices), request.toComplete)
  const takesText =
    spec.kind === "string" || spec.kind === "strings" || spec.kind === "stringArray" || spec.kind === "bool"
  return takesText ? files : { candidates: [] }
}

const positional = async (command: Command, request: CompletionRequest): Promise<Completion> => {
  const { toComplete, args } = request
  if (command.complete !== undefined) return fitting(await command.complete(request), toComplete)
  if (command.commands === undefined) return { candidates: [] }
  if (args.length > 0) return files
  const children = command.commands.filter(
    (child) => child.hidden !== true && childNamed(command, child.name) === child,
  )
  const candidates = children
    .map((child) => ({ word: child.name, description: child.short }))
    .sort((left, right) => (left.word < right.word ? -1 : 1))
  return fitting({ candidates }, toComplete)
}

const fitting = (completion: Completion, typed: string): Completion => ({
  ...completion,
  candidates: completion.candidates.filter(({ word }) => word.startsWith(typed)),
})

/** Long and short forms of the flags that may still be given: a list may be given again. */
const flagNames = (table: FlagTable, { toComplete, changed }: CompletionRequest): Completion => {
  const open = Object.entries(table).filter(([name, { hidden, kind }]) => {
    const repeats = kind === "strings" || kind === "stringArray"
    return hidden !== true && (repeats || !changed.has(name))
  })
  const candidates = open
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([name, { short, usage }]) => {
      const forms = short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`]
      return forms.map((word) => ({ word, description: usage }))
    })
  return fitting({ candidates }, toComplete)
}
