/**
 * One declaration per option.
 *
 * An option is plain data: what it does, how the command line spells it, how the libpod REST API spells it, what it is
 * when nobody gives it. Flags, help pages, query parameters, schemas of documents and reference pages are derived from
 * these facts; nothing else in the project may spell an option a second time.
 */

/** What a value of an option looks like on a command line. */
export type OptionKind = "bool" | "string" | "strings" | "ip" | "int" | "uint"

/** The facts of one option. */
export interface OptionFacts<Value = boolean | string | number | ReadonlyArray<string>> {
  readonly kind: OptionKind
  /** One sentence for help pages and references. */
  readonly description: string
  /** Long spelling without dashes, e.g. `create-image`. */
  readonly cli: string
  /** One-letter spelling. */
  readonly short?: string
  /** Long spellings that mean the same and are not shown (Podman `cmd/podman/utils/alias.go`). */
  readonly aliases?: ReadonlyArray<string>
  /** Name in the libpod REST query, when it is not the camel-cased long spelling. */
  readonly rest?: string
  /** Placeholder of the value in help pages; the kind's own name otherwise. */
  readonly valueName?: string
  /** Value taken when the flag stands alone. */
  readonly bare?: string
  /** Accepted for scripts, not shown. */
  readonly hidden?: boolean
  /** Value when the option is absent. */
  readonly fallback: Value
}

/** The options of one command, by the names that the engine knows them by. */
export type Options = Readonly<Record<string, OptionFacts>>

/** What a command is given: a value for every option. */
export type OptionValues<Of extends Options> = { readonly [Name in keyof Of]: Of[Name]["fallback"] }

type Facts = Omit<OptionFacts, "kind" | "fallback">

/** A switch; off unless given. */
export const bool = ({
  fallback = false,
  ...facts
}: Facts & { readonly fallback?: boolean }): OptionFacts<boolean> => ({
  ...facts,
  kind: "bool",
  fallback,
})

/** A text; the empty text when absent, as Podman has it. */
export const text = ({ fallback = "", ...facts }: Facts & { readonly fallback?: string }): OptionFacts<string> => ({
  ...facts,
  kind: "string",
  fallback,
})

/** An IP address; the empty text when absent. */
export const address = (facts: Facts): OptionFacts<string> => ({ ...facts, kind: "ip", fallback: "" })

/** A text that may be given several times. */
export const texts = (facts: Facts): OptionFacts<ReadonlyArray<string>> => ({ ...facts, kind: "strings", fallback: [] })

/** A whole number. */
export const integer = (facts: Facts & { readonly fallback: number }): OptionFacts<number> => ({
  ...facts,
  kind: "int",
})

/** A whole number that is not negative. */
export const unsigned = (facts: Facts & { readonly fallback: number }): OptionFacts<number> => ({
  ...facts,
  kind: "uint",
})

/** Every option at its fallback, but for those that are given. */
export const optionValues = <Of extends Options>(
  options: Of,
  given: Partial<OptionValues<Of>> = {},
): OptionValues<Of> => ({
  ...(Object.fromEntries(Object.entries(options).map(([name, { fallback }]) => [name, fallback])) as OptionValues<Of>),
  ...given,
})
