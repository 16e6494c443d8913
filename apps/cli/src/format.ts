/** `--format`: JSON, a Go template for each row, or a table of templates. */
import * as Effect from "effect/Effect"
import { headingsOf, listFormat, renderTemplate, TemplateError } from "./kit/index.ts"
import { Problem, writeOut } from "./output.ts"

export interface RowFormat<Row> {
  /** The table that stands for no `--format`. */
  readonly standard: string
  /** Fields of a row, under the names that templates use. */
  readonly fields: (row: Row) => Readonly<Record<string, unknown>>
  /** What `json` prints of all rows. */
  readonly json: (rows: ReadonlyArray<Row>) => unknown
  readonly headings?: Readonly<Record<string, string>>
  /** Go's name for a row, in template errors. */
  readonly typeName: string
}

export interface RowOptions {
  readonly format: string
  readonly noHeading: boolean
}

/** Print rows as they are asked for. */
export const printRows = <Row>(rows: ReadonlyArray<Row>, how: RowFormat<Row>, { format, noHeading }: RowOptions) => {
  if (format === "json") return writeOut(`${JSON.stringify(how.json(rows), undefined, 4)}\n`)
  const source = format === "" || format === "table" ? `table ${how.standard}` : format
  return templated(() => {
    const items = rows.map(how.fields)
    const named = [...source.matchAll(/\.([A-Za-z]+)/g)].map(([, name = ""]) => name)
    const headings = headingsOf(new Set([...Object.keys(items[0] ?? {}), ...named]), how.headings ?? {})
    return listFormat(source, { headings, heading: !noHeading, typeName: how.typeName }).render(items)
  })
}

/** Fields of documents that are maps in Go: templates index them, and print them as maps. */
const mapFields = [
  "Annotations",
  "Data",
  "ExposedPorts",
  "Labels",
  "Networks",
  "PortBindings",
  "Ports",
  "Tmpfs",
  "Volumes",
]

/** One document through a template. */
export const printDocument = (document: unknown, template: string, typeName: string) =>
  templated(() => `${renderTemplate(template, document, { name: "inspect", typeName, maps: mapFields })}\n`)

/** A template that cannot be read, or does not fit, is the caller's mistake. */
const templated = (render: () => string) =>
  Effect.try({
    try: render,
    catch: (cause) => {
      if (cause instanceof TemplateError) return new Problem({ text: cause.message })
      throw cause
    },
  }).pipe(Effect.flatMap(writeOut))
