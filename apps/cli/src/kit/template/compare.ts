/**
 * How `eq`, `lt` and the rest compare values, and which they refuse. Go `text/template/funcs.go`.
 *
 * One difference: a number here does not tell whether it was an integer or a float, so any two numbers compare.
 */
import { printed } from "./print.ts"
import { FunctionError } from "./TemplateError.ts"
import { kindOf, typeText } from "./Value.ts"

type Basic = "bool" | "number" | "string"

const basicKind = (value: unknown): Basic | undefined => {
  const kind = kindOf(value)
  if (kind === "int" || kind === "float") return "number"
  if (kind === "stringer") return "string"
  return kind === "bool" || kind === "string" ? kind : undefined
}

const isNothing = (value: unknown): boolean => value === null || value === undefined

/** True if the value equals any of the others. Nothing equals nothing. */
export const equalValues = (value: unknown, others: ReadonlyArray<unknown>): boolean => {
  refuseCollections(value)
  if (others.length === 0) throw new FunctionError("missing argument for comparison")
  return others.some((other) => {
    refuseCollections(other)
    if (isNothing(value) || isNothing(other)) return isNothing(value) && isNothing(other)
    if (basicKind(value) !== basicKind(other)) throw new FunctionError("incompatible types for comparison")
    return basicKind(value) === undefined ? value === other : basicOf(value) === basicOf(other)
  })
}

/** Slices and maps have no equality, not even with themselves. */
const refuseCollections = (value: unknown): void => {
  const kind = kindOf(value)
  if (kind === "slice" || kind === "map")
    throw new FunctionError(`non-comparable type ${printed(value)}: ${typeText(value)}`)
}

/** Below zero, zero or above it, as the first is less, equal or greater. */
export const compareValues = (left: unknown, right: unknown): number => {
  const kinds = [basicKind(left), basicKind(right)]
  if (kinds.includes(undefined)) throw new FunctionError("invalid type for comparison")
  if (kinds[0] !== kinds[1]) throw new FunctionError("incompatible types for comparison")
  if (kinds[0] === "bool") throw new FunctionError("invalid type for comparison")
  const [before, after] = [basicOf(left), basicOf(right)]
  return before === after ? 0 : before < after ? -1 : 1
}

const basicOf = (value: unknown): boolean | number | string =>
  typeof value === "boolean" || typeof value === "number"
    ? value
    : typeof value === "bigint"
      ? Number(value)
      : String(value)
