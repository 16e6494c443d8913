/**
 * The functions a template can call: those of Go's text/template and those that Podman adds.
 *
 * A function states what it takes, so that the evaluator can say what was wrong with an argument, and throws a
 * FunctionError for what only it can know. `and` and `or` are not here: they leave arguments unevaluated.
 */
import { compareValues, equalValues } from "./compare.ts"
import { indexed, lengthOf, sliced } from "./collections.ts"
import { jsonText, printed } from "./print.ts"
import { printf } from "./printf.ts"
import { isTrue } from "./Value.ts"

export type ParameterType = "any" | "string" | "int" | "[]string"

export interface TemplateFunction {
  readonly parameters: ReadonlyArray<ParameterType>
  /** The type of any further arguments; without it there are none. */
  readonly rest?: ParameterType
  readonly call: (args: ReadonlyArray<unknown>) => unknown
}

export type FunctionTable = Readonly<Record<string, TemplateFunction>>

/** A function of text, for a table of one's own: `{{upper .Name}}`. */
export const textFunction = (convert: (text: string) => unknown): TemplateFunction => ({
  parameters: ["string"],
  call: ([text]) => convert(text as string),
})

const compared = (answer: (order: number) => boolean): TemplateFunction => ({
  parameters: ["any", "any"],
  call: ([left, right]) => answer(compareValues(left, right)),
})

/** Go `text/template/funcs.go`. */
const goFunctions: FunctionTable = {
  not: { parameters: ["any"], call: ([value]) => !isTrue(value) },
  len: { parameters: ["any"], call: ([value]) => lengthOf(value) },
  index: { parameters: ["any"], rest: "any", call: ([item, ...keys]) => indexed(item, keys) },
  slice: { parameters: ["any"], rest: "any", call: ([item, ...bounds]) => sliced(item, bounds) },
  print: { parameters: [], rest: "any", call: (args) => joined(args) },
  println: { parameters: [], rest: "any", call: (args) => `${args.map(printed).join(" ")}\n` },
  printf: { parameters: ["string"], rest: "any", call: ([format, ...args]) => printf(format as string, args) },
  urlquery: { parameters: [], rest: "any", call: (args) => queryEscaped(joined(args)) },
  js: { parameters: [], rest: "any", call: (args) => joined(args).replaceAll(/[\\'"<>&=\p{Cc}]/gu, jsEscaped) },
  html: { parameters: [], rest: "any", call: (args) => joined(args).replaceAll(/[&<>'"\0]/g, htmlEscaped) },
  eq: { parameters: ["any"], rest: "any", call: ([value, ...others]) => equalValues(value, others) },
  ne: { parameters: ["any", "any"], call: ([left, right]) => !equalValues(left, [right]) },
  lt: compared((order) => order < 0),
  le: compared((order) => order <= 0),
  gt: compared((order) => order > 0),
  ge: compared((order) => order >= 0),
}

/** Containers' common library `pkg/report/template.go`, DefaultFuncs. */
const podmanFunctions: FunctionTable = {
  join: {
    parameters: ["[]string", "string"],
    call: ([items, separator]) => (items as ReadonlyArray<string>).join(separator as string),
  },
  split: {
    parameters: ["string", "string"],
    call: ([text, separator]) =>
      separator === "" ? [...(text as string)] : (text as string).split(separator as string),
  },
  json: { parameters: ["any"], call: ([value]) => jsonText(value) },
  lower: textFunction((text) => text.toLowerCase()),
  upper: textFunction((text) => text.toUpperCase()),
  title: textFunction((text) => text.replaceAll(/(?<![\p{L}\p{N}_])\p{L}/gu, (letter) => letter.toUpperCase())),
  pad: {
    parameters: ["string", "int", "int"],
    call: ([text, before, after]) =>
      text === "" ? "" : " ".repeat(before as number) + (text as string) + " ".repeat(after as number),
  },
  truncate: {
    parameters: ["string", "int"],
    call: ([text, length]) =>
      lengthOf(text) < (length as number) ? (text as string) : sliced(text, [0, length as number]),
  },
}

export const defaultFunctions: FunctionTable = { ...goFunctions, ...podmanFunctions }

/** `fmt.Sprint`: a space between neighbours of which neither is a string. */
const joined = (args: ReadonlyArray<unknown>): string =>
  args
    .map((value, index) => {
      const spaced = index > 0 && typeof value !== "string" && typeof args[index - 1] !== "string"
      return (spaced ? " " : "") + printed(value)
    })
    .join("")

const queryEscaped = (text: string): string =>
  encodeURIComponent(text)
    .replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+")

/** A backslash before what can carry one, the code in place of the others. */
const jsEscaped = (character: string): string =>
  "\\'\"".includes(character)
    ? `\\${character}`
    : `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`

const htmlEscapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&#39;",
  '"': "&#34;",
}

const htmlEscaped = (character: string): string => htmlEscapes[character] ?? "\uFFFD"
