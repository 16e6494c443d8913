/** `images`: the rows of images, as a table, as JSON or through a template. */
import { ImageEngine, ImageListFlags, type ImageSummary } from "@cryopod/entities"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { completeImages } from "../completions.ts"
import { flagTable, optionsOf } from "../flags.ts"
import { givenFormat, printRows, type RowFormat } from "../format.ts"
import type { CliCommand } from "../Handler.ts"
import { goTime, humanAgo, imageSize, maximumArgs, valuesOf } from "../kit/index.ts"
import { refuse, writeOut } from "../output.ts"

const orders = ["created", "id", "repository", "size", "tag"] as const

const listFlags = {
  digests: { kind: "bool", usage: "Show digests" },
  format: { kind: "string", usage: "Change the output format to JSON or a Go template" },
  history: { kind: "bool", usage: "Display the image name history" },
  noheading: { kind: "bool", short: "n", usage: "Do not print column headings" },
  "no-trunc": { kind: "bool", usage: "Do not truncate output" },
  quiet: { kind: "bool", short: "q", usage: "Display only image IDs" },
  sort: { kind: "string", usage: `Sort by ${orders.join(", ")}`, default: "created" },
} as const

type Order = (a: Row, b: Row) => number

const byText =
  (text: (row: Row) => string): Order =>
  (a, b) =>
    text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0

/** The engine lists the newest first. */
const sorting: Readonly<Record<(typeof orders)[number], Order>> = {
  created: () => 0,
  id: byText(({ image }) => image.Id),
  repository: byText(({ repository }) => repository),
  size: (a, b) => b.image.Size - a.image.Size,
  tag: byText(({ tag }) => tag),
}

/** libpod's `ImageSummary`. */
const documentOf = ({ Checkpoint: _, CreatedAt, Created, Dangling, ...image }: ImageSummary) => ({
  ...image,
  RepoTags: null,
  Labels: Object.keys(image.Labels).length === 0 ? null : image.Labels,
  ...(Dangling ? { Dangling } : {}),
  History: image.Names,
  Created,
  CreatedAt,
})

interface Row {
  readonly image: ImageSummary
  readonly repository: string
  readonly tag: string
}

/** One row for each name; an image without one has a row all the same. */
const rowsOf = (image: ImageSummary): ReadonlyArray<Row> =>
  image.RepoTags.length === 0
    ? [{ image, repository: "<none>", tag: "<none>" }]
    : image.RepoTags.map((name) => {
        const colon = name.lastIndexOf(":")
        return { image, repository: name.slice(0, colon), tag: name.slice(colon + 1) }
      })

interface Columns {
  readonly now: number
  readonly noTrunc: boolean
  readonly digests: boolean
  readonly history: boolean
}

const imageFormat = ({ digests, history, noTrunc, now }: Columns): RowFormat<Row> => ({
  standard: `{{.Repository}}\t{{.Tag}}\t${digests ? "{{.Digest}}\t" : ""}{{.ID}}\t{{.Created}}\t{{.Size}}${history ? "\t{{.History}}" : ""}`,
  headings: { ID: "IMAGE ID", ReadOnly: "R/O", ParentId: "PARENT ID" },
  name: "images",
  typeName: "images.imageReporter",
  json: (rows) => [...new Set(rows.map(({ image }) => image))].map(documentOf),
  fields: ({ image, repository, tag }) => ({
    ...image,
    Repository: repository,
    Tag: tag,
    ID: noTrunc ? `sha256:${image.Id}` : image.Id.slice(0, 12),
    Created: humanAgo(now - image.Created * 1000),
    CreatedSince: humanAgo(now - image.Created * 1000),
    CreatedAt: goTime(image.CreatedAt),
    CreatedTime: goTime(image.CreatedAt),
    History: image.Names.join(", "),
    Labels: new Map(Object.entries(image.Labels)),
    ReadOnly: false,
    Size: imageSize(image.Size),
    MarshalJSON: () => {
      const { CreatedAt: _, ...document } = documentOf(image)
      return { ...document, repository, tag }
    },
  }),
})

export const images: CliCommand = {
  name: "images",
  short: "List images in local storage",
  use: "[options] [IMAGE]",
  example: "cryopod images\ncryopod images --format '{{.Repository}}:{{.Tag}} {{.ID}}'",
  flags: { ...flagTable(ImageListFlags), ...listFlags },
  args: maximumArgs(1),
  complete: completeImages,
  handler: (call) =>
    Effect.gen(function* () {
      const { digests, history, "no-trunc": noTrunc, noheading, quiet, sort } = valuesOf(call, listFlags)
      const order = orders.find((known) => known === sort)
      if (order === undefined) {
        return yield* refuse(
          `${JSON.stringify(sort)} is not a valid field for sorting. Choose from: ${orders.join(", ")}`,
        )
      }
      if (call.args.length > 0 && call.changed.has("filter"))
        return yield* refuse("cannot specify an image and a filter(s)")
      const found = yield* (yield* ImageEngine).list(optionsOf(ImageListFlags, call), call.args)
      if (quiet) {
        yield* writeOut(found.map(({ Id }) => `${noTrunc ? `sha256:${Id}` : Id.slice(0, 12)}\n`).join(""))
        return 0
      }
      const now = yield* Clock.currentTimeMillis
      const rows = found.flatMap(rowsOf).toSorted(sorting[order])
      yield* printRows(rows, imageFormat({ digests, history, noTrunc, now }), {
        format: givenFormat(call),
        noHeading: noheading,
      })
      return 0
    }),
}
