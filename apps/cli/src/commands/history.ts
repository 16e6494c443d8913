/** `history`: how an image came to be. */
import { ImageEngine, type ImageInspect, type ImageTree } from "@cryopod/entities"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { completeImages } from "../completions.ts"
import { givenFormat, printRows, type RowFormat } from "../format.ts"
import type { CliCommand } from "../Handler.ts"
import { exactArgs, humanAgo, humanSize, valuesOf } from "../kit/index.ts"
import { writeOut } from "../output.ts"

interface HistoryRow {
  readonly id: string
  readonly created: string
  readonly CreatedBy: string
  readonly size: number
  readonly comment: string
  readonly tags: ReadonlyArray<string>
}

/** One row for each step of the image's making, the last first; only the last is an image that is here. */
const historyOf = (image: ImageInspect, { Layers }: ImageTree): ReadonlyArray<HistoryRow> => {
  let layer = 0
  return image.History.map((step, at, all) => {
    const { comment = "", created = "", created_by: by = "", empty_layer: empty = false } = step as HistoryStep
    const last = at === all.length - 1
    const size = empty ? 0 : (Layers[layer++]?.sizeBytes ?? 0)
    return {
      id: last ? image.Id : "<missing>",
      created,
      CreatedBy: by,
      size,
      comment,
      tags: last ? image.RepoTags : [],
    }
  }).toReversed()
}

/** OCI image-spec `config.md`, history. */
interface HistoryStep {
  readonly created?: string
  readonly created_by?: string
  readonly comment?: string
  readonly empty_layer?: boolean
}

const historyFlags = {
  format: { kind: "string", usage: "Change the output to JSON or a Go template" },
  human: { kind: "bool", short: "H", usage: "Display sizes and dates in human readable format", default: true },
  noheading: { kind: "bool", short: "n", usage: "Do not print headers" },
  "no-trunc": { kind: "bool", usage: "Do not truncate the output" },
  quiet: { kind: "bool", short: "q", usage: "Display the numeric IDs only" },
} as const

/** Room for a step's command. */
const createdByWidth = 45

const historyFormat = (now: number, human: boolean, noTrunc: boolean): RowFormat<HistoryRow> => ({
  standard: "{{.ID}}\t{{.Created}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
  headings: { CreatedBy: "CREATED BY" },
  name: "history",
  typeName: "images.historyReporter",
  json: (rows) => rows.map((row) => ({ ...row, Created: row.created })),
  fields: ({ comment, created, CreatedBy, id, size, tags }) => ({
    ID: noTrunc ? id : id.slice(0, 12),
    Created: human ? humanAgo(now - Date.parse(created)) : created.replace(/\.\d+/, ""),
    CreatedAt: created.replace(/\.\d+/, ""),
    CreatedSince: humanAgo(now - Date.parse(created)),
    CreatedBy:
      !noTrunc && CreatedBy.length > createdByWidth ? `${CreatedBy.slice(0, createdByWidth - 3)}...` : CreatedBy,
    Size: human ? humanSize(size, 3) : String(size),
    Comment: comment,
    Tags: tags,
  }),
})

export const history: CliCommand = {
  name: "history",
  short: "Show history of a specified image",
  long: "Displays the history of an image.",
  use: "[options] IMAGE",
  example: "cryopod history web:1\ncryopod image history --no-trunc web:1",
  flags: historyFlags,
  args: exactArgs(1),
  complete: completeImages,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* ImageEngine
      const [ref = ""] = call.args
      const { human, "no-trunc": noTrunc, noheading, quiet } = valuesOf(call, historyFlags)
      const rows = historyOf(yield* engine.inspect(ref), yield* engine.tree(ref))
      if (quiet) {
        yield* writeOut(rows.map(({ id }) => `${noTrunc ? id : id.slice(0, 12)}\n`).join(""))
        return 0
      }
      const now = yield* Clock.currentTimeMillis
      yield* printRows(rows, historyFormat(now, human, noTrunc), { format: givenFormat(call), noHeading: noheading })
      return 0
    }),
}
