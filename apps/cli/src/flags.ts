/** Option schemas as flag tables, and parsed flags as the values those schemas describe. */
import { factsOf, type OptionFacts } from "@cryopod/entities"
import type * as Schema from "effect/Schema"
import type { FlagSpec, FlagTable, ParsedFlags } from "./kit/index.ts"

/** The flags of a command, from the options it takes. */
export const flagTable = (options: { readonly fields: Schema.Struct.Fields }): FlagTable =>
  Object.fromEntries(factsOf(options.fields).map(([, facts]) => [facts.cli, flagSpec(facts)]))

const flagSpec = (facts: OptionFacts): FlagSpec => {
  const { aliases, bare, description, fallback, hidden, kind, short, valueName } = facts
  const common = {
    usage: description,
    ...(short === undefined ? {} : { short }),
    ...(aliases === undefined ? {} : { aliases }),
    ...(bare === undefined ? {} : { bare }),
    ...(hidden === undefined ? {} : { hidden }),
    ...(valueName === undefined ? {} : { valueName }),
  }
  switch (kind) {
    case "bool":
      return { ...common, kind, default: fallback === true }
    case "ip":
    case "string":
      return { ...common, kind, default: typeof fallback === "string" ? fallback : "" }
    case "strings":
      return { ...common, kind: "stringArray" }
    case "int":
    case "uint":
      return { ...common, kind, default: typeof fallback === "number" ? fallback : 0 }
  }
}

/** The values of a command's options, under the names that the engine knows them by. */
export const optionsOf = <S extends Schema.Top & { readonly fields: Schema.Struct.Fields }>(
  options: S,
  parsed: ParsedFlags,
): S["Type"] =>
  Object.fromEntries(factsOf(options.fields).map(([name, { cli }]) => [name, parsed.flags[cli]])) as S["Type"]

/** Names of the options that were given by hand. */
export const givenOptions = <S extends { readonly fields: Schema.Struct.Fields }>(
  options: S,
  parsed: ParsedFlags,
): ReadonlySet<keyof S["fields"]> =>
  new Set(factsOf(options.fields).flatMap(([name, { cli }]) => (parsed.changed.has(cli) ? [name] : [])))
