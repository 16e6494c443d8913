/**
 * What Podman does to the text of `--format` before it is a template.
 *
 * `\t` and `\n` typed as two characters become tab and newline, a missing newline is added, `table ` in front asks for
 * headings and columns, and a template that does not range over the list by itself is made to. It changes text only;
 * compiling, headings and columns are elsewhere. Containers' common library `pkg/report/formatter.go`.
 */
import { compileTemplate } from "./GoTemplate.ts"
import type { GoTemplate, TemplateOptions } from "./GoTemplate.ts"
import { alignColumns } from "./table.ts"
import { TemplateError } from "./template/TemplateError.ts"

export const isTableFormat = (format: string): boolean => format.startsWith("table ")

/** After `table `, a space separates columns as a tab does. */
export const normalizeFormat = (format: string): string => {
  const text = format.replaceAll(
    isTableFormat(format) ? /table |\\t|\\n| /g : /\\t|\\n/g,
    (found) => plain[found] ?? "",
  )
  return text.endsWith("\n") ? text : `${text}\n`
}

const plain: Readonly<Record<string, string>> = { "\\t": "\t", "\\n": "\n", " ": "\t" }

/** Wraps a template for one item so that it takes the list. */
export const enforceRange = (format: string): string =>
  /\{\{\s*range\s*\.\s*\}\}.*\{\{\s*end\s*-?\s*\}\}/s.test(format) ? format : `{{range .}}${format}{{end -}}`

export interface ListFormatOptions extends TemplateOptions {
  /** The headings' text by field, for a `table` format. `headingsOf` makes one. */
  readonly headings?: ReadonlyMap<string, string>
  /** False leaves the headings out (`--noheading`). @default true */
  readonly heading?: boolean
}

export interface ListFormat {
  /** The items, one a line or however the template says; aligned, under headings, for a `table` format. */
  readonly render: (items: ReadonlyArray<unknown>) => string
}

/** Throws a TemplateError. */
export const listFormat = (format: string, options: ListFormatOptions = {}): ListFormat => {
  const isTable = isTableFormat(format)
  const template = compileEither(format, options)
  const headings = isTable && options.heading !== false && options.headings !== undefined ? [options.headings] : []
  if (!isTable) return { render: template.execute }
  return {
    render: (items) => {
      const heading = template.execute(headings)
      try {
        return alignColumns(heading + template.execute(items))
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error
        throw new TemplateError(error.message, alignColumns(heading + error.written))
      }
    },
  }
}

/** A template that cannot be read once its escapes are replaced (`{{printf "\n"}}`) is read as it was typed. */
const compileEither = (format: string, options: TemplateOptions): GoTemplate => {
  const isTable = isTableFormat(format)
  const wrap = (text: string): string => (isTable ? `{{range .}}${text}{{end -}}` : enforceRange(text))
  try {
    return compileTemplate(wrap(normalizeFormat(format)), options)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return compileTemplate(wrap(isTable ? format.slice("table ".length) : format), options)
  }
}
