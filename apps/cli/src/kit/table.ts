/**
 * Columns of text, aligned as Go's tabwriter aligns them, and the headings over them.
 *
 * A cell ends at a tab. What follows the last tab of a line belongs to no column, so it is neither padded nor does it
 * widen anything; and a column reaches only as far as the lines next to each other that have it. It does not cut cells,
 * look at the terminal's width or know what the cells mean.
 */

export interface ColumnOptions {
  /** The least a column takes, padding included. @default 12 */
  readonly minimumWidth?: number
  /** Spaces after the widest cell. @default 2 */
  readonly padding?: number
}

/** Lines with tabs between their cells become lines with spaces. Go `text/tabwriter`; the defaults are Podman's. */
export const alignColumns = (text: string, { minimumWidth = 12, padding = 2 }: ColumnOptions = {}): string => {
  const lines = text.split("\n").map((line) => line.split("\t"))
  const widths = lines.map((cells) => cells.slice(0, -1).map(() => 0))
  const deepest = Math.max(0, ...widths.map((line) => line.length))
  for (let column = 0; column < deepest; column++) {
    for (const [from, to] of blocks(widths, column)) {
      const widest = Math.max(...lines.slice(from, to).map((cells) => widthOf(cells[column] ?? "")))
      for (const line of widths.slice(from, to)) line[column] = Math.max(minimumWidth, widest + padding)
    }
  }
  return lines
    .map((cells, line) => cells.map((cell, column) => pad(cell, widths[line]?.[column] ?? 0)).join(""))
    .join("\n")
}

/** Runs of neighbouring lines that have a cell in the column. */
const blocks = (
  widths: ReadonlyArray<ReadonlyArray<number>>,
  column: number,
): ReadonlyArray<readonly [number, number]> => {
  const found: Array<readonly [number, number]> = []
  for (let from = 0; from < widths.length; from++) {
    let to = from
    while (to < widths.length && (widths[to]?.length ?? 0) > column) to++
    if (to > from) found.push([from, to])
    from = to
  }
  return found
}

/** Tabwriter counts code points: a wide character counts one. */
const widthOf = (cell: string): number => [...cell].length

const pad = (cell: string, width: number): string => cell + " ".repeat(Math.max(0, width - widthOf(cell)))

/** A table from rows of cells; the last cell of each row is not padded. Ends with a newline. */
export const tableText = (rows: ReadonlyArray<ReadonlyArray<string>>, options?: ColumnOptions): string =>
  alignColumns(rows.map((cells) => `${cells.join("\t")}\n`).join(""), options)

/**
 * The words of a field name as a heading: `RunningFor` is `RUNNING FOR`, `ImageID` is `IMAGE ID`. A word begins at a
 * capital after a small letter, at the last of several capitals before one, and at digits.
 */
export const headingOf = (field: string): string => wordsOf(field).join(" ").toUpperCase()

/** The expression is in here since it takes long to compile. */
const wordsOf = (field: string): ReadonlyArray<string> =>
  field.match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lu}|\p{N}+|[^\p{L}\p{N}]+|\p{L}+/gu) ?? [field]

/**
 * The headings a list template is run on to print its first line: one for each field, `overrides` where the field's own
 * words will not do. Containers' common library `pkg/report`, Headers.
 */
export const headingsOf = (
  fields: Iterable<string>,
  overrides: Readonly<Record<string, string>> = {},
): ReadonlyMap<string, string> =>
  new Map([
    ...[...fields].map((field) => [field, headingOf(field)] as const),
    ...Object.entries(overrides).map(([field, heading]) => [field, heading.toUpperCase()] as const),
  ])
