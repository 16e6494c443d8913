/** Options inside a document, as fields of its schema: what is absent is at its fallback. */
import type { OptionFacts, Options } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

type Field<Value> = Schema.withDecodingDefaultKey<Schema.Codec<Value>>

export type OptionFields<Of extends Options> = { readonly [Name in keyof Of]: Field<Of[Name]["fallback"]> }

/** The fields that say all of these options, under the options' own names. */
export const optionFields = <const Of extends Options>(options: Of): OptionFields<Of> =>
  Object.fromEntries(
    Object.entries(options).map(([name, facts]) => [
      name,
      byKind(facts.kind)
        .annotate({ description: facts.description })
        .pipe(Schema.withDecodingDefaultKey(Effect.succeed(facts.fallback))),
    ]),
  ) as never as OptionFields<Of>

const byKind = (kind: OptionFacts["kind"]): Schema.Codec<OptionFacts["fallback"]> => {
  switch (kind) {
    case "bool":
      return Schema.Boolean
    case "int":
      return Schema.Int
    case "uint":
      return Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
    case "ip":
    case "string":
      return Schema.String
    case "strings":
      return Schema.Array(Schema.String)
  }
}
