/**
 * Strings in double quotes, the way Go's strconv writes and reads them.
 *
 * Messages that quote what the user typed, `%q` and the string literals of templates go through here. It differs from
 * JSON in the escapes it uses (`\x07` is `\a`, control characters are `\x1f`) and in leaving printable Unicode alone.
 */

const named: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
}

/** `"it's"` for `it's`; with `'` as the quote, a single character the way Go quotes one. */
export const goQuote = (text: string, quote: '"' | "'" = '"'): string => {
  let quoted = quote
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    const name = named[character]
    if (character === quote) quoted += `\\${quote}`
    else if (name !== undefined) quoted += name
    else if (code < 0x20 || code === 0x7f) quoted += `\\x${code.toString(16).padStart(2, "0")}`
    else if (code > 0x7f && !isPrintable(character)) quoted += escapeUnicode(code)
    else quoted += character
  }
  return quoted + quote
}

/** In here, as it takes a millisecond to compile. */
const isPrintable = (character: string): boolean => /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character)

const escapeUnicode = (code: number): string =>
  code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`

/** The text of a literal in `"`, `'` or backquotes; undefined if it is not one. */
export const goUnquote = (literal: string): string | undefined => {
  const quote = literal[0]
  if (literal.length < 2 || quote === undefined || literal.at(-1) !== quote) return undefined
  const body = literal.slice(1, -1)
  if (quote === "`") return body.includes("`") ? undefined : body.replaceAll("\r", "")
  if (quote !== '"' && quote !== "'") return undefined
  let text = ""
  for (let at = 0; at < body.length;) {
    if (body[at] === "\n" || body[at] === quote) return undefined
    const escape = body[at] === "\\" ? readEscape(body, at + 1, quote) : { text: body[at] ?? "", length: 0 }
    if (escape === undefined) return undefined
    text += escape.text
    at += 1 + escape.length
  }
  return quote === "'" && [...text].length !== 1 ? undefined : text
}

const reverse: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(named).map(([character, escape]) => [escape.slice(1), character]),
)

interface Escape {
  readonly text: string
  /** Characters after the backslash. */
  readonly length: number
}

const readEscape = (body: string, at: number, quote: string): Escape | undefined => {
  const letter = body[at]
  if (letter === undefined) return undefined
  if (letter === quote) return { text: quote, length: 1 }
  const simple = reverse[letter]
  if (simple !== undefined) return { text: simple, length: 1 }
  const digits = letter === "x" ? 2 : letter === "u" ? 4 : letter === "U" ? 8 : 0
  const code =
    digits > 0 ? readDigits(body.slice(at + 1, at + 1 + digits), digits, 16) : readDigits(body.slice(at, at + 3), 3, 8)
  if (code === undefined || code > 0x10ffff) return undefined
  return { text: String.fromCodePoint(code), length: digits > 0 ? digits + 1 : 3 }
}

const readDigits = (text: string, count: number, base: 8 | 16): number | undefined =>
  text.length === count && (base === 16 ? /^[0-9a-fA-F]+$/ : /^[0-7]+$/).test(text)
    ? Number.parseInt(text, base)
    : undefined
