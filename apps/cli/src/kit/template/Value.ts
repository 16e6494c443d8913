/**
 * Which JavaScript value stands for which Go value in a template.
 *
 *   undefined       no value: what a map answers for a key it has not
 *   null            nil
 *   Map             a map; a key that is missing is no error
 *   plain object    a struct; a field that is missing is one
 *   function        a method, called with the arguments that follow it
 *   other objects   a Stringer: prints as its toString says
 *   number, bigint  an integer if it has no fraction, a float64 otherwise
 *
 * An object that came from JSON may mean either of the first two: `shapeValue` is told which fields hold maps.
 */

export type ValueKind =
  | "none"
  | "nil"
  | "bool"
  | "int"
  | "float"
  | "string"
  | "slice"
  | "map"
  | "struct"
  | "stringer"
  | "func"

export const kindOf = (value: unknown): ValueKind => {
  switch (typeof value) {
    case "undefined":
      return "none"
    case "boolean":
      return "bool"
    case "number":
      return Number.isInteger(value) ? "int" : "float"
    case "bigint":
      return "int"
    case "string":
      return "string"
    case "function":
      return "func"
    default:
      break
  }
  if (value === null) return "nil"
  if (Array.isArray(value)) return "slice"
  if (value instanceof Map) return "map"
  return isStringer(value) ? "stringer" : "struct"
}

const isStringer = (value: unknown): boolean =>
  typeof value === "object" && value !== null && value.toString !== Object.prototype.toString

export interface Shape {
  /** Names of fields that hold maps. */
  readonly maps?: ReadonlyArray<string>
  /** Names of fields that hold slices, where the value may be null. */
  readonly slices?: ReadonlyArray<string>
}

const nilMap: ReadonlyMap<string, unknown> = new Map()
const nilSlice: ReadonlyArray<unknown> = []

/** True for the map or slice that a null became: as JSON it is null again. */
export const isNilCollection = (value: unknown): boolean => value === nilMap || value === nilSlice

/** The same value with its maps as Maps, so that templates treat them as such. */
export const shapeValue = (value: unknown, shape: Shape): unknown => {
  const kind = kindOf(value)
  if (kind === "slice")
    return value === nilSlice ? value : (value as ReadonlyArray<unknown>).map((item) => shapeValue(item, shape))
  if (kind === "map")
    return value === nilMap
      ? value
      : new Map([...(value as ReadonlyMap<unknown, unknown>)].map(([key, item]) => [key, shapeValue(item, shape)]))
  if (kind !== "struct") return value
  const shaped: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(value as object)) shaped[name] = shapeField(name, field, shape)
  return shaped
}

const shapeField = (name: string, field: unknown, shape: Shape): unknown => {
  const isMap = shape.maps?.includes(name) === true
  if (field === null) return isMap ? nilMap : shape.slices?.includes(name) === true ? nilSlice : null
  return shapeValue(isMap && kindOf(field) === "struct" ? new Map(Object.entries(field as object)) : field, shape)
}

/** A map's entries in the order of their keys, which is how Go prints and ranges over them. */
export const sortedEntries = (map: ReadonlyMap<unknown, unknown>): ReadonlyArray<readonly [unknown, unknown]> =>
  [...map].sort(([left], [right]) => compareKeys(left, right))

const compareKeys = (left: unknown, right: unknown): number => {
  if (typeof left === "number" && typeof right === "number") return left - right
  return String(left) < String(right) ? -1 : 1
}

/** Go's name for the type of a value, as far as the value alone tells. */
export const typeText = (value: unknown): string => {
  switch (kindOf(value)) {
    case "none":
    case "nil":
      return "interface {}"
    case "float":
      return "float64"
    case "slice":
      return `[]${commonType(value as ReadonlyArray<unknown>)}`
    case "map":
      return `map[string]${commonType([...(value as ReadonlyMap<unknown, unknown>).values()])}`
    case "stringer":
      return "fmt.Stringer"
    default:
      return kindOf(value)
  }
}

const commonType = (values: ReadonlyArray<unknown>): string => {
  const types = new Set(values.map(typeText))
  const [type = "interface {}"] = types
  return types.size === 1 ? type : "interface {}"
}

/** Empty values are false: nil, zero, an empty string, slice or map. Structs are true. */
export const isTrue = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.length > 0
  if (value instanceof Map) return value.size > 0
  return Number.isNaN(value) || Boolean(value)
}
