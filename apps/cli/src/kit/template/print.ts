/**
 * Values as Go's fmt prints them without a format: `map[a:1 b:2]`, `[a b]`, `{web true}`, `<nil>`, `1e+21`; and as its
 * encoding/json writes them, keys of maps in order.
 */
import { isNilCollection, kindOf, sortedEntries } from "./Value.ts"

/** `%v` of a value. */
export const printed = (value: unknown): string => {
  switch (kindOf(value)) {
    case "none":
    case "nil":
      return "<nil>"
    case "float":
      return floatText(value as number)
    case "slice":
      return `[${(value as ReadonlyArray<unknown>).map(printed).join(" ")}]`
    case "map":
      return `map[${sortedEntries(value as ReadonlyMap<unknown, unknown>)
        .map(([key, item]) => `${printed(key)}:${printed(item)}`)
        .join(" ")}]`
    case "struct":
      return `{${Object.values(value as object)
        .filter((field) => typeof field !== "function")
        .map(printed)
        .join(" ")}}`
    case "int":
      return integerText(value as number | bigint)
    default:
      return String(value)
  }
}

/** What an action leaves in the output: `%v`, but `<no value>` for what a map has not. */
export const output = (value: unknown): string => (value === undefined ? "<no value>" : printed(value))

const integerText = (value: number | bigint): string => (typeof value === "bigint" ? value : BigInt(value)).toString()

/** The shortest digits that mean the number, with an exponent from 1e21 up and below 1e-4. */
export const floatText = (value: number): string => {
  if (Number.isNaN(value)) return "NaN"
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf"
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e")
  if (Number(exponent) >= 21 || Number(exponent) < -4)
    return `${mantissa}e${exponent.startsWith("-") ? "-" : "+"}${exponent.replace(/^[-+]/, "").padStart(2, "0")}`
  return Number(exponent) < 0
    ? value.toFixed(mantissa.replace(/[-.]/g, "").length - 1 - Number(exponent))
    : String(value)
}

/**
 * Compact JSON without HTML escapes, as `{{json .}}` has it; U+2028 and U+2029 are escaped. A struct with a method
 * `MarshalJSON` is what that answers.
 */
export const jsonText = (value: unknown): string =>
  (JSON.stringify(jsonReady(value)) ?? "null").replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029")

const jsonReady = (value: unknown): unknown => {
  if (isNilCollection(value)) return null
  switch (kindOf(value)) {
    case "slice":
      return (value as ReadonlyArray<unknown>).map(jsonReady)
    case "map":
      return Object.fromEntries(
        sortedEntries(value as ReadonlyMap<unknown, unknown>).map(([key, item]) => [String(key), jsonReady(item)]),
      )
    case "struct":
      return "MarshalJSON" in (value as object)
        ? jsonReady((value as { readonly MarshalJSON: () => unknown }).MarshalJSON())
        : Object.fromEntries(Object.entries(value as object).map(([name, field]) => [name, jsonReady(field)]))
    case "stringer":
      return "toJSON" in (value as object) ? (value as { readonly toJSON: () => unknown }).toJSON() : value
    case "int":
      return typeof value === "bigint" ? Number(value) : value
    default:
      return value
  }
}
