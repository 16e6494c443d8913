/**
 * The text of one flag value, read into the value of its kind.
 *
 * Accepts what Go's strconv, time and encoding/csv accept for that kind, and refuses the rest with their words, so that a
 * script which greps for a message finds it. Knows nothing of command lines; the parser says which flag it was.
 */
import { isIP } from "node:net"
import type { FlagSpec, FlagValue } from "./Flags.ts"
import { goQuote } from "./goQuote.ts"
import { parseDuration } from "./human.ts"

export type ReadValue = { readonly value: FlagValue } | { readonly problem: string }

/** `before` is what the flag already holds if it was given before: lists and counts add to it. */
export const readFlagValue = (spec: FlagSpec, text: string, before: FlagValue | undefined): ReadValue => {
  switch (spec.kind) {
    case "bool":
      return readBool(text)
    case "string":
      return spec.choices === undefined || spec.choices.includes(text)
        ? { value: text }
        : { problem: `${goQuote(text)} is not a valid value.  Choose from: ${goQuote(spec.choices.join(", "))}` }
    case "ip":
      return isIP(text.trim()) === 0
        ? { problem: `failed to parse IP: ${goQuote(text.trim())}` }
        : { value: text.trim() }
    case "stringArray":
      return { value: [...listOf(before), text] }
    case "strings": {
      const values = splitRecord(text)
      return typeof values === "string" ? { problem: values } : { value: [...listOf(before), ...values] }
    }
    case "int":
    case "uint":
      return readInteger(text, spec.kind === "int" ? "ParseInt" : "ParseUint")
    case "count":
      return text === "+1" ? { value: (typeof before === "number" ? before : 0) + 1 } : readInteger(text, "ParseInt")
    case "float":
      return readFloat(text)
    case "duration": {
      const duration = parseDuration(text)
      return typeof duration === "number" ? { value: duration } : { problem: duration.problem }
    }
  }
}

const listOf = (value: FlagValue | undefined): ReadonlyArray<string> => (Array.isArray(value) ? value : [])

const truths = new Set(["1", "t", "T", "true", "TRUE", "True"])
const untruths = new Set(["0", "f", "F", "false", "FALSE", "False"])

const readBool = (text: string): ReadValue => {
  if (truths.has(text)) return { value: true }
  if (untruths.has(text)) return { value: false }
  return { problem: `strconv.ParseBool: parsing ${goQuote(text)}: invalid syntax` }
}

/** Digits in the base their prefix names; `010` is eight, and `_` may stand between digits. */
const integer = /^(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|[1-9](?:_?[0-9])*|0)$/

const readInteger = (text: string, parser: "ParseInt" | "ParseUint"): ReadValue => {
  const signed = parser === "ParseInt"
  const sign = signed && /^[+-]/.test(text) ? text.slice(0, 1) : ""
  const digits = text.slice(sign.length)
  if (!integer.test(digits)) return { problem: `strconv.${parser}: parsing ${goQuote(text)}: invalid syntax` }
  const magnitude = BigInt(digits.replaceAll("_", "").replace(/^0(?=[0-7])/, "0o"))
  const limit = signed ? 2n ** 63n - (sign === "-" ? 0n : 1n) : 2n ** 64n - 1n
  if (magnitude > limit) return { problem: `strconv.${parser}: parsing ${goQuote(text)}: value out of range` }
  return { value: Number(sign === "-" ? -magnitude : magnitude) }
}

const readFloat = (text: string): ReadValue => {
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return { value: text.startsWith("-") ? -Infinity : Infinity }
  if (/^nan$/i.test(text)) return { value: Number.NaN }
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)
    ? { value: Number(text) }
    : { problem: `strconv.ParseFloat: parsing ${goQuote(text)}: invalid syntax` }
}

/** The fields of one CSV record, or what is wrong with it. Columns count from one, as in encoding/csv. */
const splitRecord = (text: string): ReadonlyArray<string> | string => {
  if (text === "") return []
  const fields: Array<string> = []
  for (let at = 0; at <= text.length; at++) {
    if (text[at] !== '"') {
      const comma = text.indexOf(",", at)
      const end = comma < 0 ? text.length : comma
      const quote = text.slice(at, end).indexOf('"')
      if (quote >= 0) return `parse error on line 1, column ${at + quote + 1}: bare " in non-quoted-field`
      fields.push(text.slice(at, end))
      at = end
      continue
    }
    let field = ""
    let end = at + 1
    for (; end < text.length; end++) {
      if (text[end] !== '"') field += text[end]
      else if (text[end + 1] === '"') field += text[++end]
      else break
    }
    if (end >= text.length)
      return `parse error on line 1, column ${text.length + 1}: extraneous or missing " in quoted-field`
    if (end + 1 < text.length && text[end + 1] !== ",")
      return `parse error on line 1, column ${end + 1}: extraneous or missing " in quoted-field`
    fields.push(field)
    at = end + 1
  }
  return fields
}
