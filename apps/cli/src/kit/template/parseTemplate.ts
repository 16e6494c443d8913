/**
 * From the tokens of a template to its nodes.
 *
 * Finds everything that can be wrong without looking at values: unknown functions and variables, actions that are not
 * closed, operands where none may stand. `define`, `template` and `block` are not part of the language here.
 */
import { goQuote, goUnquote } from "../goQuote.ts"
import { lex } from "./lex.ts"
import type { Token, TokenKind } from "./lex.ts"
import { sourceOf } from "./Node.ts"
import type { Branch, CommandNode, Node, Operand, Pipe } from "./Node.ts"
import { TemplateError } from "./TemplateError.ts"

export interface ParseOptions {
  /** The template's name in messages. */
  readonly name: string
  readonly isFunction: (name: string) => boolean
}

/** Throws a TemplateError. */
export const parseTemplate = (source: string, options: ParseOptions): ReadonlyArray<Node> => {
  const reader = makeReader(source, options)
  const { nodes, ending } = list(reader)
  if (ending.text !== "") throw reader.problem(`unexpected {{${ending.text}}}`)
  return nodes
}

interface Reader extends ParseOptions {
  readonly take: () => Token
  /** The next token, space or not, left in place. */
  readonly peek: () => Token
  /** The next token that is no space, left in place; spaces before it are dropped. */
  readonly peekSolid: () => Token
  /** Goes back over the tokens taken since the token. */
  readonly back: (to: Token) => void
  readonly problem: (message: string) => TemplateError
  readonly unexpected: (token: Token, context: string) => TemplateError
  /** Variables in scope, innermost last. */
  readonly variables: Array<string>
  readonly loops: { depth: number }
}

const makeReader = (source: string, options: ParseOptions): Reader => {
  const tokens = lex(source)
  const last: Token = tokens.at(-1) ?? { kind: "end", text: "", at: 0 }
  const lineOf = (token: Token): number => source.slice(0, token.at).split("\n").length
  let position = 0
  let latest = last
  let actionLine = 0
  const peek = (): Token => {
    latest = tokens[position] ?? last
    return latest
  }
  const problem = (message: string): TemplateError =>
    new TemplateError(`template: ${options.name}:${lineOf(latest)}: ${message}`)
  return {
    ...options,
    peek,
    problem,
    variables: ["$"],
    loops: { depth: 0 },
    take: () => {
      const token = peek()
      position++
      if (token.kind === "left") actionLine = lineOf(token)
      if (token.kind === "right") actionLine = 0
      return token
    },
    peekSolid: () => {
      while (peek().kind === "space") position++
      return latest
    },
    back: (to) => {
      position = tokens.indexOf(to)
    },
    unexpected: (token, context) => {
      latest = token
      if (token.kind !== "error") return problem(`unexpected ${tokenText(token)} in ${context}`)
      if (actionLine === 0 || actionLine === lineOf(token)) return problem(token.text)
      const started = ` started at ${options.name}:${actionLine}`
      return problem(token.text + (token.text.endsWith(" action") ? started : ` in action${started}`))
    },
  }
}

const tokenText = ({ kind, text }: Token): string => {
  if (kind === "end") return "EOF"
  if (kind === "keyword" || kind === "nil") return `<${text}>`
  return text.length > 10 ? `${goQuote(text.slice(0, 10))}...` : goQuote(text)
}

interface List {
  readonly nodes: ReadonlyArray<Node>
  /** The `else` or `end` that closed the list; with empty text, the end of the template. */
  readonly ending: Token
}

const list = (reader: Reader): List => {
  const nodes: Array<Node> = []
  for (;;) {
    const token = reader.take()
    if (token.kind === "text") nodes.push({ type: "text", at: token.at, text: token.text })
    else if (token.kind === "end") return { nodes, ending: token }
    else if (token.kind !== "left") throw reader.unexpected(token, "input")
    else {
      const first = reader.peekSolid()
      if (first.kind === "keyword" && (first.text === "end" || first.text === "else")) {
        reader.take()
        return { nodes, ending: first }
      }
      nodes.push(action(reader, first))
    }
  }
}

const action = (reader: Reader, first: Token): Node => {
  if (first.kind !== "keyword") return { type: "action", at: first.at, pipe: pipeline(reader, "command", "right") }
  reader.take()
  switch (first.text) {
    case "if":
    case "range":
    case "with":
      return branch(reader, first.text)
    case "break":
    case "continue": {
      const token = reader.peekSolid()
      if (token.kind !== "right") throw reader.unexpected(token, `{{${first.text}}}`)
      reader.take()
      if (reader.loops.depth === 0) throw reader.problem(`{{${first.text}}} outside {{range}}`)
      return { type: first.text, at: first.at }
    }
    default:
      throw reader.unexpected(first, "command")
  }
}

const branch = (reader: Reader, type: Branch["type"]): Branch => {
  const scope = reader.variables.length
  const pipe = pipeline(reader, type, "right")
  if (type === "range") reader.loops.depth++
  const { nodes: body, ending } = closed(reader)
  if (type === "range") reader.loops.depth--
  const otherwise = ending.text === "end" ? undefined : elseOf(reader, type)
  if (ending.text === "end") expect(reader, "right", "end")
  reader.variables.length = scope
  return { type, at: pipe.at, pipe, body, otherwise }
}

/** After `else`: a list up to `end`, or another `if` (`with`) that takes the `end` for itself. */
const elseOf = (reader: Reader, type: Branch["type"]): ReadonlyArray<Node> => {
  const token = reader.peekSolid()
  if (token.kind === "keyword" && token.text === type && (type === "if" || type === "with")) {
    reader.take()
    return [branch(reader, type)]
  }
  expect(reader, "right", "else")
  const { nodes, ending } = closed(reader)
  if (ending.text !== "end") throw reader.problem(`expected end; found {{else}}`)
  expect(reader, "right", "end")
  return nodes
}

const closed = (reader: Reader): List => {
  const found = list(reader)
  if (found.ending.kind === "end") throw reader.problem("unexpected EOF")
  return found
}

const expect = (reader: Reader, kind: TokenKind, context: string): void => {
  const token = reader.peekSolid()
  if (token.kind !== kind) throw reader.unexpected(token, context)
  reader.take()
}

const pipeline = (reader: Reader, context: string, until: "right" | "close"): Pipe => {
  const { at } = reader.peekSolid()
  const { variables, assigns } = declarations(reader, context)
  const commands: Array<CommandNode> = []
  for (;;) {
    const token = reader.peekSolid()
    if (token.kind === until) {
      reader.take()
      checkStages(reader, commands, context)
      return { type: "pipe", at, variables, assigns, commands }
    }
    if (!operandStarts.has(token.kind)) throw reader.unexpected(token, context)
    commands.push(command(reader))
  }
}

const operandStarts: ReadonlySet<TokenKind> = new Set<TokenKind>(
  "bool character dot field identifier number nil string variable open".split(" ") as Array<TokenKind>,
)

const checkStages = (reader: Reader, commands: ReadonlyArray<CommandNode>, context: string): void => {
  if (commands.length === 0) throw reader.problem(`missing value for ${context}`)
  commands.slice(1).forEach((stage, index) => {
    const type = stage.operands[0]?.type ?? "nil"
    if (["bool", "dot", "nil", "number", "string"].includes(type))
      throw reader.problem(`non executable command in pipeline stage ${index + 2}`)
  })
}

interface Declarations {
  readonly variables: ReadonlyArray<string>
  readonly assigns: boolean
}

/** `$x :=`, `$x =`, and in a range `$key, $value :=`. A variable that turns out to be an operand stays in place. */
const declarations = (reader: Reader, context: string): Declarations => {
  const variables: Array<string> = []
  for (;;) {
    const variable = reader.peekSolid()
    if (variable.kind !== "variable") return { variables, assigns: false }
    reader.take()
    const after = reader.peekSolid()
    const isComma = after.kind === "char" && after.text === ","
    if (!isComma && after.kind !== "declare" && after.kind !== "assign") {
      reader.back(variable)
      return { variables, assigns: false }
    }
    reader.take()
    variables.push(variable.text)
    reader.variables.push(variable.text)
    if (!isComma) return { variables, assigns: after.kind === "assign" }
    if (context !== "range" || variables.length > 1) throw reader.problem(`too many declarations in ${context}`)
    if (!["variable", "right", "close"].includes(reader.peekSolid().kind))
      throw reader.problem("range can only initialize variables")
  }
}

/** Operands with spaces between them, up to `|` or whatever closes the pipeline. */
const command = (reader: Reader): CommandNode => {
  const operands: Array<Operand> = []
  const { at } = reader.peekSolid()
  for (;;) {
    reader.peekSolid()
    const found = operand(reader)
    if (found !== undefined) operands.push(found)
    const token = reader.peek()
    if (token.kind === "space") reader.take()
    else if (token.kind === "right" || token.kind === "close") break
    else if (token.kind === "pipe") {
      reader.take()
      break
    } else throw reader.unexpected(token, "operand")
  }
  if (operands.length === 0) throw reader.problem("empty command")
  return { type: "command", at, operands }
}

/** A term with the fields that follow it without a space. */
const operand = (reader: Reader): Operand | undefined => {
  const base = term(reader)
  const { at, kind } = reader.peek()
  if (base === undefined || kind !== "field") return base
  const names: Array<string> = []
  while (reader.peek().kind === "field") names.push(reader.take().text.slice(1))
  switch (base.type) {
    case "field":
    case "variable":
      return { ...base, at, names: [...base.names, ...names] }
    case "bool":
    case "string":
    case "number":
    case "nil":
    case "dot":
      throw reader.problem(`unexpected . after term ${goQuote(sourceOf(base))}`)
    case "chain":
    case "identifier":
    case "pipe":
      return { type: "chain", at, of: base, names }
  }
}

const term = (reader: Reader): Operand | undefined => {
  const { kind, at, text } = reader.peek()
  if (kind !== "open" && !operandStarts.has(kind)) return undefined
  reader.take()
  switch (kind) {
    case "identifier":
      if (!reader.isFunction(text)) throw reader.problem(`function ${goQuote(text)} not defined`)
      return { type: "identifier", at, name: text }
    case "variable":
      if (!reader.variables.includes(text)) throw reader.problem(`undefined variable ${goQuote(text)}`)
      return { type: "variable", at, name: text, names: [] }
    case "field":
      return { type: "field", at, names: [text.slice(1)] }
    case "bool":
      return { type: "bool", at, value: text === "true" }
    case "dot":
    case "nil":
      return { type: kind, at }
    case "open":
      return pipeline(reader, "parenthesized pipeline", "close")
    case "string":
    case "character": {
      const value = goUnquote(text)
      if (value === undefined && kind === "string") throw reader.problem("invalid syntax")
      if (value === undefined) throw reader.problem(`malformed character constant: ${text}`)
      return kind === "string"
        ? { type: "string", at, value, source: text }
        : { type: "number", at, value: value.codePointAt(0) ?? 0, source: text }
    }
    default: {
      const value = numberOf(text)
      if (value === undefined) throw reader.problem(`illegal number syntax: ${goQuote(text)}`)
      return { type: "number", at, value, source: text }
    }
  }
}

/** Go's number literals: `1_000`, `0x1f`, `0o17`, `017`, `1.5e3`. */
const numberOf = (text: string): number | undefined => {
  const sign = text.startsWith("-") ? -1 : 1
  const digits = text
    .replace(/^[-+]/, "")
    .replaceAll("_", "")
    .replace(/^0(?=[0-7]+$)/, "0o")
  const value = digits === "" || digits === "." ? Number.NaN : Number(digits)
  return Number.isNaN(value) ? undefined : sign * value
}
