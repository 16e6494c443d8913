/** Options as flag tables, and parsed flags as the values of options. */
import type { OptionFacts, Options, OptionValues } from "@cryopod/entities"
import type { FlagSpec, FlagTable, ParsedFlags } from "./kit/index.ts"

/** The flags of a command, from the options it takes. */
export const flagTable = (options: Options): FlagTable =>
  Object.fromEntries(Object.values(options).map((facts) => [facts.cli, flagSpec(facts)]))

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
export const optionsOf = <Of extends Options>(options: Of, parsed: ParsedFlags): OptionValues<Of> =>
  Object.fromEntries(Object.entries(options).map(([name, { cli }]) => [name, parsed.flags[cli]])) as OptionValues<Of>

/** Names of the options that were given by hand. */
export const givenOptions = <Of extends Options>(options: Of, parsed: ParsedFlags): ReadonlySet<keyof Of> =>
  new Set(Object.entries(options).flatMap(([name, { cli }]) => (parsed.changed.has(cli) ? [name] : [])))
