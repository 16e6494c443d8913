/**
 * One declaration per option.
 *
 * An option is a schema field that carries its own facts: what it does, how the command line spells it, how the
 * libpod REST API spells it. Flags, help pages, query parameters and reference pages are derived from these facts;
 * nothing else in the project may spell an option a second time.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** What a value of an option looks like on a command line. */
export type OptionKind = "bool" | "string" | "strings" | "ip" | "int" | "uint"

/** The facts of one option, kept as an annotation on its schema. */
export interface OptionFacts {
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
  readonly fallback?: boolean | string | number
}

type Facts = Omit<OptionFacts, "kind" | "fallback">

declare module "effect/Schema" {
  namespace Annotations {
    interface Annotations {
      readonly cryopodOption?: OptionFacts | undefined
    }
  }
}

const annotated = <S extends Schema.Top>(schema: S, facts: OptionFacts) =>
  schema.annotate({ description: facts.description, cryopodOption: facts })

/** A switch; off unless given. */
export const bool = (facts: Facts & { readonly fallback?: boolean }) => {
  const fallback = facts.fallback ?? false
  return annotated(Schema.Boolean, { ...facts, kind: "bool", fallback }).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(fallback)),
  )
}

/** A text; the empty text when absent, as Podman has it. */
export const text = (facts: Facts & { readonly fallback?: string }) => {
  const fallback = facts.fallback ?? ""
  return annotated(Schema.String, { ...facts, kind: "string", fallback }).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(fallback)),
  )
}

/** An IP address; the empty text when absent. */
export const address = (facts: Facts) =>
  annotated(Schema.String, { ...facts, kind: "ip", fallback: "" }).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed("")),
  )

/** A text that may be given several times. */
export const texts = (facts: Facts) =>
  annotated(Schema.Array(Schema.String), { ...facts, kind: "strings" }).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed([] as ReadonlyArray<string>)),
  )

/** A whole number. */
export const integer = (facts: Facts & { readonly fallback: number }) =>
  annotated(Schema.Int, { ...facts, kind: "int" }).pipe(Schema.withDecodingDefaultKey(Effect.succeed(facts.fallback)))

/** A whole number that is not negative. */
export const unsigned = (facts: Facts & { readonly fallback: number }) =>
  annotated(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)), { ...facts, kind: "uint" }).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(facts.fallback)),
  )

/** The facts of every option of a struct, by field name, in declaration order. */
export const factsOf = (fields: Schema.Struct.Fields): ReadonlyArray<readonly [string, OptionFacts]> =>
  Object.entries(fields).flatMap(([name, field]) => {
    const facts = optionFacts(field as Schema.Top)
    return facts === undefined ? [] : [[name, facts] as const]
  })

const optionFacts = (schema: Schema.Top): OptionFacts | undefined =>
  Schema.resolveAnnotations(schema)?.cryopodOption ??
  ("from" in schema ? optionFacts(schema.from as Schema.Top) : undefined) ??
  ("to" in schema ? optionFacts(schema.to as Schema.Top) : undefined)
