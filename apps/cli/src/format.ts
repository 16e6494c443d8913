/** `--format`: JSON, a Go template for each row, or a table of templates. */
import * as Effect from "effect/Effect"
import { headingsOf, listFormat, type ParsedFlags, renderTemplate, TemplateError } from "./kit/index.ts"
import { Problem, writeOut } from "./output.ts"

export interface RowFormat<Row> {
  /** The table that stands for no `--format`. */
  readonly standard: string
  /** Fields of a row, under the names that templates use. */
  readonly fields: (row: Row) => Readonly<Record<string, unknown>>
  /** What `json` prints of all rows. */
  readonly json: (rows: ReadonlyArray<Row>) => unknown
  readonly headings?: Readonly<Record<string, string>>
  /** The headings keep their small letters. */
  readonly headingsAsTheyAre?: boolean
  /** The template's name, and Go's for a row, in template errors. */
  readonly name: string
  readonly typeName: string
}

export interface RowOptions {
  /** As it was given; absent when it was not. */
  readonly format: string | undefined
  readonly noHeading: boolean
}

/** `--format` as it was given, be it empty. */
export const givenFormat = ({ changed, flags }: ParsedFlags): string | undefined =>
  changed.has("format") ? String(flags["format"]) : undefined

/** Containers' common library `pkg/report/template.go`, IsJSON. */
const isJson = (format: string): boolean => /^\s*(json|\{\{\s*json\s*\}\})\s*$/.test(format)

/** Print rows as they are asked for. */
export const printRows = <Row>(rows: ReadonlyArray<Row>, how: RowFormat<Row>, { format, noHeading }: RowOptions) => {
  if (format !== undefined && isJson(format)) return writeOut(`${JSON.stringify(how.json(rows), undefined, 4)}\n`)
  const source = format ?? `table ${how.standard}`
  return templated(() => {
    const items = rows.map(how.fields)
    const named = [...source.matchAll(/\.([A-Za-z]+)/g)].map(([, name = ""]) => name)
    const fields = new Set([...Object.keys(items[0] ?? {}), ...named])
    const headings =
      how.headingsAsTheyAre === true
        ? new Map(Object.entries(how.headings ?? {}))
        : headingsOf(fields, how.headings ?? {})
    const { name, typeName } = how
    return listFormat(source, { headings, heading: !noHeading, name, typeName }).render(items)
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

/** Names of a template and of the type of what goes through it, in template errors. */
export interface TemplateNames {
  readonly name: string
  readonly typeName: string
}

/** One document through a template. */
export const printDocument = (document: unknown, template: string, names: TemplateNames) =>
  templated(() => `${renderTemplate(template, document, { ...names, maps: mapFields })}\n`)

/** Documents through a template, each on a line of its own. Podman keeps them in a list of anything. */
export const printDocuments = (documents: ReadonlyArray<unknown>, template: string, name = "inspect") =>
  templated(() => listFormat(template, { name, typeName: "interface {}", maps: mapFields }).render(documents))

/** A template that cannot be read, or does not fit, is the caller's mistake. What came before stands. */
const templated = (render: () => string) =>
  Effect.try({
    try: render,
    catch: (cause) => {
      if (cause instanceof TemplateError) return cause
      throw cause
    },
  }).pipe(
    Effect.catch((error) => Effect.andThen(writeOut(error.written), Effect.fail(new Problem({ text: error.message })))),
    Effect.flatMap(writeOut),
  )
