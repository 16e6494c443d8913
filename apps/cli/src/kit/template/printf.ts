/**
 * Go's `printf` for templates: the verbs, flags, widths and complaints (`%!d(string=hi)`) that matter to someone who
 * formats a list. Not here: `%p`, `%b` and `%o` of floats, `*` widths, argument indexes.
 */
import { goQuote } from "../goQuote.ts"
import { significant } from "../human.ts"
import { floatText, printed } from "./print.ts"
import { kindOf, typeText } from "./Value.ts"

export const printf = (format: string, operands: ReadonlyArray<unknown>): string => {
  let used = 0
  const text = format.replaceAll(directive, (_, flags: string, width: string, precision: string, verb: string) => {
    if (verb === "%") return "%"
    if (verb === "") return "%!(NOVERB)"
    if (used >= operands.length) return `%!${verb}(MISSING)`
    const spec = { flags, width: Number(width || 0), precision: precisionOf(precision), verb }
    return formatted(operands[used++], spec)
  })
  if (used >= operands.length) return text
  const extra = operands
    .slice(used)
    .map((value) => (value === null || value === undefined ? "<nil>" : `${typeText(value)}=${printed(value)}`))
  return `${text}%!(EXTRA ${extra.join(", ")})`
}

const directive = /%([-+# 0]*)(\d*)(\.\d*)?([^\d]|$)/gsu

const precisionOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text.slice(1) || 0)

interface Directive {
  readonly flags: string
  readonly width: number
  readonly precision: number | undefined
  readonly verb: string
}

const formatted = (value: unknown, spec: Directive): string => {
  const { verb } = spec
  if (verb === "T") return padded(value === null || value === undefined ? "<nil>" : typeText(value), spec)
  if (verb === "v") return padded(numeric(value) ? signed(printed(value), spec) : printed(value), spec, numeric(value))
  const kind = kindOf(value)
  if (kind === "slice") return `[${(value as ReadonlyArray<unknown>).map((item) => formatted(item, spec)).join(" ")}]`
  const text = byVerb(value, spec)
  return text === undefined ? complaint(value, verb) : padded(text, spec, numeric(value))
}

const numeric = (value: unknown): boolean => kindOf(value) === "int" || kindOf(value) === "float"

const complaint = (value: unknown, verb: string): string =>
  value === null || value === undefined ? `%!${verb}(<nil>)` : `%!${verb}(${typeText(value)}=${printed(value)})`

/** Undefined where the verb does not go with the value. */
const byVerb = (value: unknown, spec: Directive): string | undefined => {
  switch (kindOf(value)) {
    case "string":
    case "stringer":
      return stringVerb(String(value), spec)
    case "bool":
      return spec.verb === "t" ? String(value) : undefined
    case "int":
      return integerVerb(BigInt(value as number | bigint), spec)
    case "float":
      return floatVerb(value as number, spec)
    default:
      return undefined
  }
}

const stringVerb = (value: string, { verb, precision, flags }: Directive): string | undefined => {
  const text = precision === undefined ? value : [...value].slice(0, precision).join("")
  switch (verb) {
    case "s":
      return text
    case "q":
      return flags.includes("#") && !text.includes("`") ? `\`${text}\`` : goQuote(text)
    case "x":
      return hexadecimal(text)
    case "X":
      return hexadecimal(text).toUpperCase()
    default:
      return undefined
  }
}

const hexadecimal = (text: string): string =>
  [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, "0")).join("")

const integerVerb = (value: bigint, spec: Directive): string | undefined => {
  const prefix = spec.flags.includes("#") ? { b: "0b", o: "0", x: "0x", X: "0X" } : undefined
  switch (spec.verb) {
    case "d":
      return signed(digits(value, 10, spec), spec)
    case "b":
      return signed(digits(value, 2, spec, prefix?.b), spec)
    case "o":
      return signed(digits(value, 8, spec, prefix?.o), spec)
    case "x":
      return signed(digits(value, 16, spec, prefix?.x), spec)
    case "X":
      return signed(digits(value, 16, spec, prefix?.X).toUpperCase(), spec)
    case "c":
      return String.fromCodePoint(Number(value))
    case "q":
      return goQuote(String.fromCodePoint(Number(value)), "'")
    case "U":
      return `U+${value.toString(16).toUpperCase().padStart(4, "0")}`
    default:
      return undefined
  }
}

const digits = (value: bigint, base: number, { precision = 0 }: Directive, prefix = ""): string => {
  const magnitude = (value < 0n ? -value : value).toString(base).padStart(precision, "0")
  return `${value < 0n ? "-" : ""}${prefix}${magnitude}`
}

const floatVerb = (value: number, spec: Directive): string | undefined => {
  switch (spec.verb) {
    case "f":
    case "F":
      return signed(value.toFixed(spec.precision ?? 6), spec)
    case "e":
      return signed(value.toExponential(spec.precision ?? 6).replace(/e([-+])(\d)$/, "e$10$2"), spec)
    case "g":
      return signed(spec.precision === undefined ? floatText(value) : significant(value, spec.precision), spec)
    default:
      return undefined
  }
}

const signed = (text: string, { flags }: Directive): string => {
  if (text.startsWith("-") || text.startsWith("+")) return text
  return flags.includes("+") ? `+${text}` : flags.includes(" ") ? ` ${text}` : text
}

const padded = (text: string, { flags, width, verb }: Directive, isNumber = false): string => {
  const missing = width - [...text].length
  if (missing <= 0) return text
  if (flags.includes("-")) return text + " ".repeat(missing)
  const withZeros = flags.includes("0") && verb !== "q" && verb !== "T"
  if (!withZeros) return " ".repeat(missing) + text
  const sign = isNumber ? (/^[-+ ]/.exec(text)?.[0] ?? "") : ""
  return sign + "0".repeat(missing) + text.slice(sign.length)
}
