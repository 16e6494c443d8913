/**
 * Flag tables: what flags a command has, as plain data.
 *
 * One table serves the parser, the help page, the reference pages and shell completion. The kinds and the words for them
 * are those of pflag, since the command line they describe is one that Go programs made familiar. A table says nothing
 * about how flags combine: such rules belong to whoever gives the command its meaning.
 */
import type { CompletionHook } from "./complete.ts"

interface FlagBase {
  /** One line or several; shown in the help page as it stands. */
  readonly usage: string
  /** The one-letter form, without its dash. */
  readonly short?: string
  /** Other long forms, neither shown nor completed. */
  readonly aliases?: ReadonlyArray<string>
  /** The value of the flag when it is given without one; a flag with `bare` takes a value only after `=`. */
  readonly bare?: string
  /** Parsed, but neither in the help page nor completed. */
  readonly hidden?: boolean
  /** Stands for the value in the help page, in place of the kind's own word. */
  readonly valueName?: string
  /** The default as the help page shows it, where that is not the value itself. `""` shows none. */
  readonly defaultText?: string
  /** Candidates for the flag's value. Without it, the shell completes file names. */
  readonly complete?: CompletionHook
}

export interface BoolFlag extends FlagBase {
  readonly kind: "bool"
  readonly default?: boolean
}

export interface StringFlag extends FlagBase {
  readonly kind: "string"
  readonly default?: string
  /** The only values there are; any other is refused with the list. */
  readonly choices?: ReadonlyArray<string>
}

export interface ListFlag extends FlagBase {
  /** `strings` splits each value at commas, as one record of CSV; `stringArray` takes each value whole. Both repeat. */
  readonly kind: "strings" | "stringArray"
  readonly default?: ReadonlyArray<string>
}

export interface NumberFlag extends FlagBase {
  /** `count` adds one each time it is given, and takes a value only after `=`. */
  readonly kind: "int" | "uint" | "float" | "count"
  readonly default?: number
}

export interface DurationFlag extends FlagBase {
  /** Written the way Go writes durations (`1h2m3.5s`); the value is in milliseconds. */
  readonly kind: "duration"
  readonly default?: number
}

export interface AddressFlag extends FlagBase {
  readonly kind: "ip"
  readonly default?: string
}

export type FlagSpec = AddressFlag | BoolFlag | StringFlag | ListFlag | NumberFlag | DurationFlag
export type FlagTable = Readonly<Record<string, FlagSpec>>
export type FlagValue = boolean | string | number | ReadonlyArray<string>

/** The type a flag's value has, by its kind. */
export type ValueOf<Spec extends FlagSpec> = Spec extends BoolFlag
  ? boolean
  : Spec extends StringFlag
    ? string
    : Spec extends ListFlag
      ? ReadonlyArray<string>
      : number

export type ValuesOf<Table extends FlagTable> = { readonly [Name in keyof Table]: ValueOf<Table[Name]> }

/** What a parse found: every flag the command could take, with its value or its default. */
export interface ParsedFlags {
  readonly flags: Readonly<Record<string, FlagValue>>
  /** The flags that were on the command line. */
  readonly changed: ReadonlySet<string>
}

/** The values of one table, with the types the table gives them. */
export const valuesOf = <const Table extends FlagTable>(parsed: ParsedFlags, table: Table): ValuesOf<Table> => {
  const values: Record<string, FlagValue> = {}
  for (const [name, spec] of Object.entries(table)) values[name] = parsed.flags[name] ?? defaultOf(spec)
  return values as ValuesOf<Table>
}

/** The value of a flag that nobody gave. */
export const defaultOf = (spec: FlagSpec): FlagValue => {
  switch (spec.kind) {
    case "bool":
      return spec.default ?? false
    case "ip":
    case "string":
      return spec.default ?? ""
    case "strings":
    case "stringArray":
      return spec.default ?? []
    case "int":
    case "uint":
    case "float":
    case "count":
    case "duration":
      return spec.default ?? 0
  }
}

/** The value a flag takes when none is written; undefined if it must have one. */
export const bareOf = (spec: FlagSpec): string | undefined =>
  spec.bare ?? (spec.kind === "bool" ? "true" : spec.kind === "count" ? "+1" : undefined)

/** The flag as messages name it: `-t, --time` or `--time`. */
export const labelOf = (name: string, spec: FlagSpec): string =>
  spec.short === undefined ? `--${name}` : `-${spec.short}, --${name}`

/** The long name of each one-letter flag. */
export const shortNames = (table: FlagTable): ReadonlyMap<string, string> =>
  new Map(Object.entries(table).flatMap(([name, { short }]) => (short === undefined ? [] : [[short, name] as const])))
