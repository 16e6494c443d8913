/** The images of this host behind the interface that every engine has: names are read, services do the work. */
import {
  ImageEngine,
  isCheckpointImage,
  newName,
  OptionInvalid,
  parsePlace,
  type PushFlags,
  type ReferenceInvalid,
} from "@cryopod/entities"
import type { Database, Tools } from "@cryopod/host"
import type { ImageUse } from "@cryopod/images"
import {
  buildImage,
  describingAnnotations,
  ImageStore,
  importImage,
  loadImages,
  pullImage,
  pushImage,
  saveFormats,
  saveImage,
  type Transport,
} from "@cryopod/images"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { recordPulled } from "../policy/Origins.ts"
import { inspectImage } from "./inspect.ts"
import { listImages } from "./list.ts"
import { removeImages } from "./remove.ts"
import { imageTree } from "./tree.ts"
import { untagImage } from "./untag.ts"

type Services = Database | ImageStore | Transport | ImageUse | Tools

export const imageEngineLayer: Layer.Layer<ImageEngine, never, Services> = Layer.effect(
  ImageEngine,
  Effect.gen(function* () {
    const services = yield* Effect.context<Services>()
    const here = <A, E>(effect: Effect.Effect<A, E, Services>): Effect.Effect<A, E> =>
      Effect.provideContext(effect, services)

    return ImageEngine.of({
      build: Effect.fn("ImageEngine.build")(function* (context, options) {
        return (yield* here(buildImage(context, options))).id
      }),
      import: Effect.fn("ImageEngine.import")(function* (source, options) {
        const names = options.name === undefined ? [] : yield* readNames([options.name])
        return (yield* here(importImage(source, { names, changes: options.changes, message: options.message }))).id
      }),
      load: Effect.fn("ImageEngine.load")(function* (source) {
        const loaded = yield* here(loadImages(source))
        return loaded.flatMap(({ image, names }) => (names.length > 0 ? names : [`sha256:${image.id}`]))
      }),
      save: Effect.fn("ImageEngine.save")(function* (ref, { destination, format }) {
        const known = saveFormats.find((name) => name === format)
        if (known === undefined) {
          return yield* new OptionInvalid({
            option: "format",
            value: format,
            problem: `must be one of ${saveFormats.join(", ")}`,
          })
        }
        const { image, name } = yield* here(ImageStore.use((store) => store.find(ref)))
        const mode = isCheckpointImage(describingAnnotations(image)) ? secretMode : publicMode
        // no archive names an image by its digest
        const tag = name === undefined || name.includes("@") ? {} : { name }
        yield* here(saveImage(image.id, { destination, format: known, mode, ...tag }))
      }),
      pull: Effect.fn("ImageEngine.pull")(function* (ref, flags) {
        const { id } = yield* here(pullImage(ref, flags))
        const place = yield* Effect.fromResult(parsePlace(ref))
        if (place._tag === "Registry" && (flags.tlsVerify || isHere(place.name))) {
          yield* here(recordPulled(id, place.name))
        }
        return id
      }),
      push: Effect.fn("ImageEngine.push")(function* (ref, destination, flags) {
        const compressionFormat = yield* compressionOf(flags)
        const { image, name } = yield* here(ImageStore.use((store) => store.find(ref)))
        yield* here(
          pushImage(image.id, destination === "" ? (name ?? ref) : destination, {
            access: flags,
            ...(compressionFormat === undefined ? {} : { compressionFormat }),
          }),
        )
      }),
      tag: Effect.fn("ImageEngine.tag")(function* (ref, names) {
        const full = yield* readNames(names)
        const image = yield* here(ImageStore.use((store) => store.resolve(ref)))
        yield* here(ImageStore.use((store) => store.assignNames(image.id, full)))
      }),
      untag: Effect.fn("ImageEngine.untag")(function* (ref, names) {
        yield* here(untagImage(ref, names))
      }),
      remove: Effect.fn("ImageEngine.remove")(function* (refs, options) {
        return yield* here(removeImages(refs, options))
      }),
      list: Effect.fn("ImageEngine.list")(function* (flags, refs) {
        return yield* here(listImages(flags, refs))
      }),
      inspect: Effect.fn("ImageEngine.inspect")(function* (ref) {
        return yield* here(inspectImage(ref))
      }),
      exists: Effect.fn("ImageEngine.exists")(function* (ref) {
        return yield* here(ImageStore.use((store) => store.resolve(ref))).pipe(
          Effect.as(true),
          Effect.catchTags({
            ImageNotFound: () => Effect.succeed(false),
            ImageAmbiguous: () => Effect.succeed(false),
            ReferenceInvalid: () => Effect.succeed(false),
          }),
        )
      }),
      tree: Effect.fn("ImageEngine.tree")(function* (ref) {
        return yield* here(imageTree(ref))
      }),
    })
  }),
)

/** A checkpoint holds memory, and with it whatever secrets the container knew. */
const secretMode = 0o600
const publicMode = 0o644

const readNames = (names: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>, ReferenceInvalid> =>
  Effect.forEach(names, (name) => Effect.fromResult(newName(name)))

const compressionOf = (flags: PushFlags): Effect.Effect<"gzip" | "zstd" | undefined, OptionInvalid> => {
  const { compressionFormat } = flags
  if (compressionFormat === "") return Effect.succeed(undefined)
  if (compressionFormat === "gzip" || compressionFormat === "zstd") return Effect.succeed(compressionFormat)
  return Effect.fail(
    new OptionInvalid({ option: "compression-format", value: compressionFormat, problem: "must be gzip or zstd" }),
  )
}

/** A registry of this machine; any other one that was not asked for its certificate may be somebody else. */
const isHere = (name: string): boolean => /^(?:localhost|127(?:\.\d+){3}|\[::1\])[:/]/.test(name)
