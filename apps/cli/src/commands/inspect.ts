/** `inspect`, `container inspect` and `image inspect`. */
import { ContainerEngine, ImageEngine, PodEngine, VolumeEngine } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { completeContainers, completeImages } from "../completions.ts"
import { printDocument } from "../format.ts"
import type { CliCommand } from "../Handler.ts"
import { valuesOf } from "../kit/index.ts"
import { failureStatus, refuse, writeError, writeOut } from "../output.ts"

type Kind = "all" | "container" | "image"

const inspectFlags = {
  format: { kind: "string", short: "f", usage: "Format the output to a Go template or json" },
  latest: { kind: "bool", short: "l", usage: "Act on the latest container" },
} as const

/** What Go calls the documents; its template errors name them. */
const typeNames = {
  container: "*define.InspectContainerData",
  image: "*inspect.ImageData",
  volume: "*define.VolumeInspectReport",
  pod: "*define.InspectPodData",
}

const missingWords: Record<Kind, (ref: string) => string> = {
  all: (ref) => `no such object: "${ref}"`,
  container: (ref) => `no such container ${ref}`,
  image: (ref) => `${ref}: image not known`,
}

const look = (ref: string, kind: Kind) =>
  Effect.gen(function* () {
    const container = (yield* ContainerEngine)
      .inspect(ref)
      .pipe(Effect.map((document) => ({ document: document as unknown, typeName: typeNames.container })))
    const image = (yield* ImageEngine)
      .inspect(ref)
      .pipe(Effect.map((document) => ({ document: document as unknown, typeName: typeNames.image })))
    const volume = (yield* VolumeEngine)
      .inspect(ref)
      .pipe(Effect.map((document) => ({ document: document as unknown, typeName: typeNames.volume })))
    const pod = (yield* PodEngine)
      .inspect(ref)
      .pipe(Effect.map((document) => ({ document: document as unknown, typeName: typeNames.pod })))
    const missing = Effect.succeed(undefined)
    if (kind === "container") return yield* container.pipe(Effect.catchTag("ContainerNotFound", () => missing))
    if (kind === "image") return yield* image.pipe(Effect.catchTag("ImageNotFound", () => missing))
    return yield* container.pipe(
      Effect.catchTag("ContainerNotFound", () =>
        image.pipe(Effect.catchTags({ ImageNotFound: () => missing, ReferenceInvalid: () => missing })),
      ),
      Effect.flatMap((found) =>
        found === undefined
          ? volume.pipe(Effect.catchTag("VolumeNotFound", () => missing))
          : Effect.succeed(found as typeof found | undefined),
      ),
      Effect.flatMap((found) =>
        found === undefined ? pod.pipe(Effect.catchTag("PodNotFound", () => missing)) : Effect.succeed(found),
      ),
    )
  })

const inspecting = (kind: Kind, short: string): CliCommand => ({
  name: "inspect",
  short,
  use: `[options] ${kind === "image" ? "IMAGE [IMAGE...]" : "CONTAINER|IMAGE [CONTAINER|IMAGE...]"}`,
  example: "cryopod inspect web\ncryopod inspect --format '{{.State.Status}}' web",
  flags: inspectFlags,
  complete: kind === "image" ? completeImages : completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const { format, latest } = valuesOf(call, inspectFlags)
      const refs = latest ? [yield* (yield* ContainerEngine).latest] : call.args
      if (refs.length === 0) return yield* refuse("no names or ids specified")
      const found: Array<{ readonly document: unknown; readonly typeName: string }> = []
      const missing: Array<string> = []
      for (const ref of refs) {
        const one = yield* look(ref, kind)
        if (one === undefined) missing.push(ref)
        else found.push(one)
      }
      const documents = found.map(({ document }) => document)
      if (format === "" || format === "json") yield* writeOut(`${JSON.stringify(documents, undefined, 5)}\n`)
      else for (const { document, typeName } of found) yield* printDocument(document, format, typeName)
      for (const ref of missing) yield* writeError(`Error: ${missingWords[kind](ref)}\n`)
      return missing.length === 0 ? 0 : failureStatus
    }),
})

export const inspect = inspecting("all", "Display the configuration of object denoted by ID")
export const inspectContainer = inspecting("container", "Display the configuration of a container")
export const inspectImage = inspecting("image", "Display the configuration of an image")
