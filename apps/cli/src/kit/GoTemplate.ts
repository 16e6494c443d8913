/**
 * `--format`: Go's text/template, as much of it as one-line templates use, with the functions that Podman adds.
 *
 * Compiling finds what is wrong with the text, executing what is wrong with the values; both throw a TemplateError in
 * Go's words. Values are plain data (`template/Value.ts` has the table), the result is text. Not here: templates that
 * define or call others, and any escaping. The word `table` before a template is a matter of `listFormat.ts`.
 */
import { evaluate } from "./template/evaluate.ts"
import { defaultFunctions } from "./template/functions.ts"
import type { FunctionTable } from "./template/functions.ts"
import { parseTemplate } from "./template/parseTemplate.ts"
import { shapeValue } from "./template/Value.ts"
import type { Shape } from "./template/Value.ts"

export interface TemplateOptions extends Shape {
  /** The template's name in messages. @default "template" */
  readonly name?: string
  /**
   * Go's name for the type of a struct in messages. A string names the value itself, or its items if it is an array;
   * a function is asked about any struct.
   */
  readonly typeName?: string | ((struct: object) => string | undefined)
  /** Functions besides Go's and Podman's, or in their place. */
  readonly functions?: FunctionTable
}

export interface GoTemplate {
  /** The text the template makes of the value. Throws a TemplateError. */
  readonly execute: (value: unknown) => string
}

/** Throws a TemplateError. */
export const compileTemplate = (source: string, options: TemplateOptions = {}): GoTemplate => {
  const name = options.name ?? "template"
  const functions = { ...defaultFunctions, ...options.functions }
  const isFunction = (word: string): boolean => word === "and" || word === "or" || Object.hasOwn(functions, word)
  const nodes = parseTemplate(source, { name, isFunction })
  return {
    execute: (value) => {
      const shaped = shapeValue(value, options)
      return evaluate(nodes, shaped, { name, source, functions, typeNameOf: typeNames(shaped, options.typeName) })
    },
  }
}

const typeNames = (value: unknown, typeName: TemplateOptions["typeName"]) => (struct: object) => {
  if (typeof typeName === "function") return typeName(struct)
  return struct === value || (Array.isArray(value) && value.includes(struct)) ? typeName : undefined
}

/** Compiles and executes at once. Throws a TemplateError. */
export const renderTemplate = (source: string, value: unknown, options?: TemplateOptions): string =>
  compileTemplate(source, options).execute(value)
