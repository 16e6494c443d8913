/**
 * The tokens of a template: text, and what stands between `{{` and `}}`.
 *
 * Trim markers and comments are gone afterwards: `{{- ` and ` -}}` have taken the white space beside them. A token keeps
 * its place in the source for messages. An unreadable action ends the tokens with one of kind `error`.
 */
import { goQuote } from "../goQuote.ts"

export type TokenKind =
  | "text"
  | "left"
  | "right"
  | "space"
  | "identifier"
  | "keyword"
  | "field"
  | "variable"
  | "dot"
  | "nil"
  | "bool"
  | "number"
  | "character"
  | "string"
  | "pipe"
  | "declare"
  | "assign"
  | "open"
  | "close"
  | "char"
  | "error"
  | "end"

export interface Token {
  readonly kind: TokenKind
  readonly text: string
  readonly at: number
}

const keywords = new Set(["block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"])
const blank = " \t\r\n"
const isBlank = (character: string | undefined): boolean => character !== undefined && blank.includes(character)

/** Never throws; ends in `end` or `error`. */
export const lex = (source: string): ReadonlyArray<Token> => {
  const tokens: Array<Token> = []
  let at = 0
  let trimNext = false
  for (;;) {
    const left = source.indexOf("{{", at)
    const end = left < 0 ? source.length : left
    const trimBefore = left >= 0 && source[left + 2] === "-" && isBlank(source[left + 3])
    let text = source.slice(at, end)
    const start = trimNext ? at + text.length - text.trimStart().length : at
    if (trimNext) text = trimGoStart(text)
    if (trimBefore) text = trimGoEnd(text)
    if (text !== "") tokens.push({ kind: "text", text, at: start })
    if (left < 0) return [...tokens, { kind: "end", text: "", at: source.length }]
    const inside = left + (trimBefore ? 4 : 2)
    const action = source.startsWith("/*", inside) ? lexComment(source, inside) : lexAction(source, left, inside)
    tokens.push(...action.tokens)
    if (action.next === undefined) return tokens
    at = action.next
    trimNext = action.trim
  }
}

const trimGoStart = (text: string): string => text.replace(/^[ \t\r\n]+/, "")
const trimGoEnd = (text: string): string => text.replace(/[ \t\r\n]+$/, "")

interface Action {
  readonly tokens: ReadonlyArray<Token>
  /** Where text goes on; undefined if nothing can be read any more. */
  readonly next: number | undefined
  readonly trim: boolean
}

const failed = (tokens: ReadonlyArray<Token>, at: number, text: string): Action => ({
  tokens: [...tokens, { kind: "error", text, at }],
  next: undefined,
  trim: false,
})

const lexComment = (source: string, at: number): Action => {
  const close = source.indexOf("*/", at)
  if (close < 0) return failed([], at, "unclosed comment")
  const right = rightAt(source, close + 2)
  if (right === undefined) return failed([], at, "comment ends before closing delimiter")
  return { tokens: [], next: close + 2 + right.length, trim: right.trim }
}

/** The closing delimiter at a place, with its trim marker. */
const rightAt = (source: string, at: number): { readonly length: number; readonly trim: boolean } | undefined => {
  if (isBlank(source[at]) && source.startsWith("-}}", at + 1)) return { length: 4, trim: true }
  return source.startsWith("}}", at) ? { length: 2, trim: false } : undefined
}

const lexAction = (source: string, left: number, inside: number): Action => {
  const tokens: Array<Token> = [{ kind: "left", text: "{{", at: left }]
  let at = inside
  let depth = 0
  for (;;) {
    const right = rightAt(source, at)
    if (right !== undefined) {
      if (depth > 0) return failed(tokens, at, "unclosed left paren")
      tokens.push({ kind: "right", text: "}}", at })
      return { tokens, next: at + right.length, trim: right.trim }
    }
    const token = at >= source.length ? failure(at, "unclosed action") : next(source, at)
    tokens.push(token)
    if (token.kind === "error") return { tokens, next: undefined, trim: false }
    if (token.kind === "open") depth++
    if (token.kind === "close" && --depth < 0) return failed(tokens.slice(0, -1), at, "unexpected right paren")
    at += token.text.length
  }
}

const failure = (at: number, text: string): Token => ({ kind: "error", text, at })

const singles: Readonly<Record<string, TokenKind>> = { "=": "assign", "|": "pipe", "(": "open", ")": "close" }

const next = (source: string, at: number): Token => {
  const character = source[at] ?? ""
  const token = (kind: TokenKind, text: string): Token => ({ kind, text, at })
  const single = singles[character]
  if (single !== undefined) return token(single, character)
  if (isBlank(character)) return token("space", blanks(source, at))
  if (character === ":") return source[at + 1] === "=" ? token("declare", ":=") : failure(at, "expected :=")
  if (character === '"' || character === "`" || character === "'") return literal(source, at, character)
  if (character === "$") return name(source, at, "variable")
  if (character === "." && !/^\d/.test(source.slice(at + 1))) return name(source, at, "field")
  if (/^[-+.\d]/.test(character)) return number(source, at)
  if (wordIn(source.slice(at)) !== "") return word(source, at)
  if (character >= "!" && character <= "~") return token("char", character)
  const code = source.codePointAt(at) ?? 0
  return failure(at, `unrecognized character in action: ${codePoint(code)}`)
}

/** White space, up to but without a blank that belongs to ` -}}`. */
const blanks = (source: string, at: number): string => {
  let end = at + 1
  while (isBlank(source[end]) && rightAt(source, end) === undefined) end++
  return source.slice(at, end)
}

/** Letters, digits and underscores that a text begins with. (The expression is in here since it takes long to compile.) */
const wordIn = (text: string): string => /^[\p{L}\p{Nd}_]+/u.exec(text)?.[0] ?? ""

const codePoint = (code: number): string =>
  `U+${code.toString(16).toUpperCase().padStart(4, "0")}${code < 0x20 || code === 0x7f ? "" : ` ${goQuote(String.fromCodePoint(code), "'")}`}`

const literal = (source: string, at: number, quote: '"' | "`" | "'"): Token => {
  const raw = quote === "`"
  const what = raw ? "raw quoted string" : quote === "'" ? "character constant" : "quoted string"
  for (let end = at + 1; end < source.length; end++) {
    const character = source[end]
    if (!raw && character === "\n") break
    if (!raw && character === "\\") end++
    else if (character === quote)
      return { kind: quote === "'" ? "character" : "string", text: source.slice(at, end + 1), at }
  }
  return failure(at, `unterminated ${what}`)
}

/** `.Name`, `$name`, `.` or `$`, which must be followed by something that can follow a name. */
const name = (source: string, at: number, kind: "field" | "variable"): Token => {
  const text = source.slice(at, at + 1) + wordIn(source.slice(at + 1))
  const after = notAfterName(source, at + text.length)
  if (after !== undefined) return failure(at, after)
  return { kind: text === "." ? "dot" : kind, text, at }
}

const word = (source: string, at: number): Token => {
  const text = wordIn(source.slice(at))
  const after = notAfterName(source, at + text.length)
  if (after !== undefined) return failure(at, after)
  if (text === "nil") return { kind: "nil", text, at }
  if (text === "true" || text === "false") return { kind: "bool", text, at }
  return { kind: keywords.has(text) ? "keyword" : "identifier", text, at }
}

const notAfterName = (source: string, at: number): string | undefined => {
  const character = source[at]
  if (character === undefined || isBlank(character) || ".,|:()".includes(character) || source.startsWith("}}", at))
    return undefined
  return `bad character ${codePoint(source.codePointAt(at) ?? 0)}`
}

const number = (source: string, at: number): Token => {
  const rest = source.slice(at)
  const text =
    /^[-+]?(?:0[xX][0-9a-fA-F_]*|0[bB][01_]*|0[oO][0-7_]*|[\d_]*(?:\.[\d_]*)?(?:[eE][-+]?[\d_]*)?)/.exec(rest)?.[0] ??
    ""
  if (wordIn(rest.slice(text.length)) !== "")
    return failure(at, `bad number syntax: ${goQuote(rest.slice(0, text.length + 1))}`)
  return { kind: "number", text, at }
}
