/** The reference of all commands as one page, made from the tree of commands and so from the schemas of their options. */
import {
  type Command,
  commandOf,
  type CommandPath,
  type FlagTable,
  optionLines,
  pathText,
  usageLine,
} from "./kit/index.ts"

/** One command under every path that leads to it, the shortest first. */
interface Entry {
  readonly paths: readonly [CommandPath, ...ReadonlyArray<CommandPath>]
}

/** Markdown, with its last newline. */
export const referencePage = (root: Command): string =>
  [
    `# The commands of ${root.name}`,
    "Made by `scripts/reference` from the schemas of the options; a test fails when it is not what that makes.",
    "Options stand anywhere among the arguments of their command, long ones behind two dashes with `=` or a space before their value.",
    "## Global options",
    "They stand before the command; those of the first list anywhere.",
    optionBlock(shown(root.persistent ?? {})),
    optionBlock(shown(root.flags ?? {})),
    "Taken so that scripts written for Podman run:",
    optionBlock(hidden(root.persistent ?? {})),
    ...entriesOf(root).map(entryText),
  ]
    .filter((text) => text !== "")
    .join("\n\n")
    .concat("\n")

const entriesOf = (root: Command): ReadonlyArray<Entry> => {
  const byHandler = new Map<unknown, Array<CommandPath>>()
  const visit = (path: CommandPath) => {
    const command = commandOf(path)
    if (command.hidden === true) return
    if (command.handler !== undefined) byHandler.set(command.handler, [...(byHandler.get(command.handler) ?? []), path])
    for (const child of command.commands ?? []) visit([...path, child])
  }
  visit([root])
  return [...byHandler.values()]
    .map((paths) => ({ paths: paths.toSorted((a, b) => a.length - b.length) as unknown as Entry["paths"] }))
    .toSorted((a, b) => (pathText(a.paths[0]) < pathText(b.paths[0]) ? -1 : 1))
}

const entryText = ({ paths: [path, ...others] }: Entry): string => {
  const command = commandOf(path)
  const spellings = [
    ...(command.aliases ?? []).map((alias) => pathText([...path.slice(0, -1), { ...command, name: alias }] as never)),
    ...others.flatMap((other) => {
      const { aliases = [], name } = commandOf(other)
      return [name, ...aliases].map((word) => `${pathText(other.slice(0, -1) as never)} ${word}`)
    }),
  ]
  return [
    `## ${pathText(path)}`,
    command.long ?? `${command.short}.`,
    block("sh", usageLine(path)),
    spellings.length === 0 ? "" : `Also: ${spellings.map((text) => `\`${text}\``).join(", ")}.`,
    optionBlock(shown(command.flags ?? {})),
    command.example === undefined ? "" : block("sh", command.example),
  ]
    .filter((text) => text !== "")
    .join("\n\n")
}

const block = (language: string, text: string) => `\`\`\`${language}\n${text}\n\`\`\``

const optionBlock = (table: FlagTable): string => {
  const lines = optionLines(table)
  return lines === "" ? "" : block("text", lines)
}

const shown = (table: FlagTable): FlagTable =>
  Object.fromEntries(Object.entries(table).filter(([, spec]) => spec.hidden !== true))

/** Those that help pages leave out. */
const hidden = (table: FlagTable): FlagTable =>
  Object.fromEntries(
    Object.entries(table).flatMap(([name, spec]) => (spec.hidden === true ? [[name, { ...spec, hidden: false }]] : [])),
  )
