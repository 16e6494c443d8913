/**
 * `len`, `index` and `slice`: measuring and taking apart strings, slices and maps. Go `text/template/funcs.go`.
 *
 * Strings are bytes to all three, as they are in Go.
 */
import { FunctionError } from "./TemplateError.ts"
import { kindOf, typeText } from "./Value.ts"

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

export const lengthOf = (value: unknown): number => {
  switch (kindOf(value)) {
    case "string":
      return bytesOf(value as string).length
    case "slice":
      return (value as ReadonlyArray<unknown>).length
    case "map":
      return (value as ReadonlyMap<unknown, unknown>).size
    case "nil":
    case "none":
      throw new FunctionError("len of nil pointer")
    default:
      throw new FunctionError(`len of type ${typeText(value)}`)
  }
}

/** `index x 1 2` is `x[1][2]`. */
export const indexed = (item: unknown, keys: ReadonlyArray<unknown>): unknown => {
  if (item === undefined || item === null) throw new FunctionError("index of untyped nil")
  return keys.reduce(indexedOnce, item)
}

const indexedOnce = (item: unknown, key: unknown): unknown => {
  switch (kindOf(item)) {
    case "string":
      return bytesOf(item as string)[position(key, { length: lengthOf(item), last: "item" })]
    case "slice":
      return (item as ReadonlyArray<unknown>)[position(key, { length: lengthOf(item), last: "item" })]
    case "map":
      return lookedUp(item as ReadonlyMap<unknown, unknown>, key)
    case "nil":
    case "none":
      throw new FunctionError("index of nil pointer")
    default:
      throw new FunctionError(`can't index item of type ${typeText(item)}`)
  }
}

/** The zero value of what the map holds for a key it has not, as far as the other entries tell what that is. */
const lookedUp = (map: ReadonlyMap<unknown, unknown>, key: unknown): unknown => {
  if (map.has(key)) return map.get(key)
  if (key === null || key === undefined) throw new FunctionError("value is nil; should be of type string")
  const [[known, sample] = ["", ""]] = map
  if (typeof key !== typeof known)
    throw new FunctionError(`value has type ${typeText(key)}; should be ${typeText(known)}`)
  switch (kindOf(sample)) {
    case "string":
      return ""
    case "bool":
      return false
    case "int":
    case "float":
      return 0
    case "slice":
      return []
    default:
      return null
  }
}

/** `slice x 1 2` is `x[1:2]`. */
export const sliced = (item: unknown, bounds: ReadonlyArray<unknown>): unknown => {
  if (item === undefined || item === null) throw new FunctionError("slice of untyped nil")
  if (bounds.length > 3) throw new FunctionError(`too many slice indexes: ${bounds.length}`)
  const kind = kindOf(item)
  if (kind !== "string" && kind !== "slice") throw new FunctionError(`can't slice item of type ${typeText(item)}`)
  if (kind === "string" && bounds.length === 3) throw new FunctionError("cannot slice string with 3 indexes")
  const length = lengthOf(item)
  const places = bounds.map((bound) => position(bound, { length, last: "end" }))
  const [from = 0, to = length, limit = length] = places
  if (from > to) throw new FunctionError(`invalid slice index: ${from} > ${to}`)
  if (to > limit) throw new FunctionError(`invalid slice index: ${to} > ${limit}`)
  return kind === "slice"
    ? (item as ReadonlyArray<unknown>).slice(from, to)
    : new TextDecoder().decode(bytesOf(item as string).subarray(from, to))
}

interface Range {
  readonly length: number
  /** Whether the place after the last item counts. */
  readonly last: "item" | "end"
}

const position = (key: unknown, { length, last }: Range): number => {
  if (key === null || key === undefined) throw new FunctionError("cannot index slice/array with nil")
  if (kindOf(key) !== "int") throw new FunctionError(`cannot index slice/array with type ${typeText(key)}`)
  const place = Number(key)
  if (place < 0 || place > length) throw new FunctionError(`index out of range: ${place}`)
  if (place === length && last === "item") throw new FunctionError("reflect: slice index out of range")
  return place
}
