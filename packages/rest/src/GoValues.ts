/**
 * What Go's JSON leaves out.
 *
 * libpod's documents write empty lists and maps as `null`, and leave out fields at their zero value. Filled in by the shape
 * that is expected, they are whole documents.
 */
import * as SchemaAST from "effect/SchemaAST"
import type * as Schema from "effect/Schema"

/** A document with Go's zero values where the schema wants something that is `null` or not there. */
export const withZeroValues = (schema: Schema.Top, document: unknown): unknown =>
  filled(SchemaAST.toEncoded(schema.ast), document)

const filled = (ast: SchemaAST.AST, value: unknown): unknown => {
  if (SchemaAST.isUnion(ast)) {
    if (value === null && ast.types.some(SchemaAST.isNull)) return null
    const [only, ...others] = ast.types.filter((type) => !SchemaAST.isNull(type) && !SchemaAST.isUndefined(type))
    return only === undefined || others.length > 0 ? value : filled(only, value)
  }
  if (SchemaAST.isArrays(ast)) {
    const item = ast.rest[0]
    if (value === null || value === undefined) return []
    return Array.isArray(value) && item !== undefined ? value.map((one) => filled(item, one)) : value
  }
  if (SchemaAST.isObjects(ast)) {
    const given = value ?? {}
    if (typeof given !== "object" || Array.isArray(given)) return value
    const document: Record<string, unknown> = { ...given }
    for (const { name, type } of ast.propertySignatures) {
      const key = String(name)
      const optional = SchemaAST.isOptional(type)
      if (document[key] === undefined && optional) continue
      document[key] = filled(type, document[key])
    }
    const rest = ast.indexSignatures[0]
    if (rest !== undefined) {
      for (const [key, inner] of Object.entries(document)) document[key] = filled(rest.type, inner)
    }
    return document
  }
  if (value !== null && value !== undefined) return value
  if (SchemaAST.isString(ast)) return ""
  if (SchemaAST.isNumber(ast)) return 0
  if (SchemaAST.isBoolean(ast)) return false
  return value
}
