/**
 * Query parameters as libpod's server reads them.
 *
 * What an option is called in a query, what it means and what it defaults to stands where it is declared, in `entities`;
 * this file makes the parameters from there. A parameter that is not given, or empty, is absent: the option's default is
 * filled in where the request is made of it, for command line and wire alike. Names are written here in their
 * canonical case; `canonicalQuery` brings what clients write into it.
 */
import type { OptionFacts, Options } from "@cryopod/entities"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaTransformation from "effect/SchemaTransformation"

const truths = ["1", "t", "T", "true", "TRUE", "True", "on"] as const
const falsehoods = ["0", "f", "F", "false", "FALSE", "False"] as const

/** The words of Go's `strconv.ParseBool`, and `on` (gorilla/schema, which libpod decodes queries with). */
export const GoBool: Schema.Codec<boolean, string> = Schema.Literals([...truths, ...falsehoods]).pipe(
  Schema.decodeTo(
    Schema.Boolean,
    SchemaTransformation.transform({
      decode: (word) => truths.some((truth) => truth === word),
      encode: (value) => (value ? ("true" as const) : ("false" as const)),
    }),
  ),
)

/** A whole number in decimal digits. */
export const GoInt: Schema.Codec<number, string> = Schema.String.check(Schema.isPattern(/^[+-]?\d{1,15}$/)).pipe(
  Schema.decodeTo(Schema.Int, SchemaTransformation.transform({ decode: Number, encode: String })),
)

/** JSON inside a parameter. */
export const jsonText = <S extends Schema.Top>(schema: S) => Schema.fromJsonString(schema)

/** Parameters that are no option of a command: switches of the transport and the like. */
export const parameter = {
  bool: (description: string) => Schema.optionalKey(GoBool.annotate({ description })),
  int: (description: string) => Schema.optionalKey(GoInt.annotate({ description })),
  text: (description: string) => Schema.optionalKey(Schema.String.annotate({ description })),
  texts: (description: string) => Schema.optionalKey(Schema.Array(Schema.String).annotate({ description })),
}

/** A parameter whose name in the query is another than its field's. */
export const named = <S extends Schema.Top>(name: string, field: S): S["Rebuild"] =>
  field.annotate({ cryopodParameter: name })

/** A query parameter for a value of this type. */
type Parameter<Value> = [Value] extends [boolean]
  ? Schema.Codec<boolean, string>
  : [Value] extends [number]
    ? Schema.Codec<number, string>
    : [Value] extends [string]
      ? Schema.Codec<string, string>
      : Schema.Codec<ReadonlyArray<string>, ReadonlyArray<string>>

export type ParametersOf<Of extends Options, Names extends keyof Of> = {
  readonly [Name in Names]: Schema.optionalKey<Parameter<Of[Name]["fallback"]>>
}

/** Name of an option in a query. */
export const restName = (facts: OptionFacts): string =>
  facts.rest ?? facts.cli.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())

const byKind = (kind: OptionFacts["kind"]): Schema.Top => {
  switch (kind) {
    case "bool":
      return GoBool
    case "int":
    case "uint":
      return GoInt
    case "ip":
    case "string":
      return Schema.String
    case "strings":
      return Schema.Array(Schema.String)
  }
}

declare module "effect/Schema" {
  namespace Annotations {
    interface Annotations {
      readonly cryopodParameter?: string | undefined
    }
  }
}

/** Query fields of the named options, under the options' own names; `query` gives them their names on the wire. */
export const parametersOf = <Of extends Options, const Names extends keyof Of & string>(
  options: Of,
  names: ReadonlyArray<Names>,
): ParametersOf<Of, Names> =>
  Object.fromEntries(
    names.map((name) => {
      const facts = options[name]
      if (facts === undefined) throw new Error(`${name} is no option`)
      const described = byKind(facts.kind).annotate({
        description: facts.description,
        cryopodParameter: restName(facts),
      })
      return [name, Schema.optionalKey(described)]
    }),
  ) as never as ParametersOf<Of, Names>

/** A query of these fields. */
export const query = <const Fields extends Schema.Struct.Fields>(fields: Fields) => {
  const renamed = Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) => {
      const wire = parameterName(field as Schema.Top)
      return wire === undefined || wire === name ? [] : [[name, wire]]
    }),
  )
  const struct = Schema.Struct(fields)
  const whole = struct.pipe(Schema.encodeKeys(renamed as {})) as never as Schema.Codec<
    (typeof struct)["Type"],
    Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  >
  fieldsOf.set(whole, fields)
  return whole
}

const fieldsOf = new WeakMap<object, Schema.Struct.Fields>()

/** What each parameter of a query means, by its name on the wire; endpoints have queries wrapped. */
export const describedParameters = (of: object): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(fieldsOf.get("schema" in of ? (of.schema as object) : of) ?? {}).flatMap(([name, field]) => {
      const description = descriptionOf(field as Schema.Top)
      return description === undefined ? [] : [[parameterName(field as Schema.Top) ?? name, description] as const]
    }),
  )

const descriptionOf = (field: Schema.Top): string | undefined =>
  Schema.resolveAnnotations(field)?.description ??
  ("schema" in field ? descriptionOf(field.schema as Schema.Top) : undefined)

const parameterName = (field: Schema.Top): string | undefined =>
  Schema.resolveAnnotations(field)?.cryopodParameter ??
  ("schema" in field ? parameterName(field.schema as Schema.Top) : undefined)

/** The parameters a query takes: canonical name, and whether each occurrence counts. */
export const parametersOfQuery = (
  schema: Schema.Top,
): ReadonlyArray<{ readonly name: string; readonly repeats: boolean }> => {
  const encoded = SchemaAST.toEncoded(schema.ast)
  if (!SchemaAST.isObjects(encoded)) return []
  return encoded.propertySignatures.map(({ name, type }) => ({ name: String(name), repeats: isList(type) }))
}

const isList = (ast: SchemaAST.AST): boolean =>
  SchemaAST.isArrays(ast) || (SchemaAST.isUnion(ast) && ast.types.some(isList))

/**
 * What a client wrote, as a query declares it: names in their canonical case, nothing unknown, nothing empty, and the
 * last occurrence of what may be given once.
 */
export const canonicalQuery = (
  schema: Schema.Top,
  given: Readonly<Record<string, string | ReadonlyArray<string>>>,
): Record<string, string | Array<string>> => {
  const known = new Map(parametersOfQuery(schema).map((one) => [one.name.toLowerCase(), one]))
  const values = new Map<string, { readonly repeats: boolean; readonly all: Array<string> }>()
  for (const [written, value] of Object.entries(given)) {
    const found = known.get(written.toLowerCase())
    if (found === undefined) continue
    const entry = values.get(found.name) ?? { repeats: found.repeats, all: [] }
    values.set(found.name, entry)
    entry.all.push(...[value].flat().filter((text) => text !== ""))
  }
  return Object.fromEntries(
    [...values].flatMap(([name, { all, repeats }]) => {
      const last = all.at(-1)
      return last === undefined ? [] : [[name, repeats ? all : last]]
    }),
  )
}
