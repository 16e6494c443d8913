/**
 * An image as a Containerfile says, built by buildah from the images of this store and of registries.
 *
 * All that a build makes lies in a temporary area until the image is taken in: one that fails or is killed has made nothing.
 * Images that the file names go to the builder by hard link and come back as the blobs they were, so that the store keeps one
 * copy of a base.
 */
import * as fs from "node:fs"
import { isAbsolute, join } from "node:path"
import { pipeline } from "node:stream/promises"
import type { OptionInvalid } from "@cryopod/entities"
import {
  ArchiveInvalid,
  type BuildContext,
  type BuildFailed,
  type BuildOptions,
  ContainerfileMissing,
  type ImageNotFound,
  type MemberUnsafe,
  newName,
  pullPolicyOf,
  type ReferenceInvalid,
  type ToolMissing,
} from "@cryopod/entities"
import { attempt, attemptSync, makeDirectory, resolveInRoot, runOk, Tools } from "@cryopod/host"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { baseImages } from "./BaseImages.ts"
import { inBuilder, runBuilder } from "./Builder.ts"
import { copyIn } from "./CopyIn.ts"
import { exportLayout } from "./ExportLayout.ts"
import { ImageStore } from "./ImageStore.ts"
import type { StoredImage } from "./ImageTables.ts"
import type { IntakeFailure } from "./LayoutIntake.ts"
import { ociForm } from "./LayerForms.ts"
import { type CopyFailure, Transport } from "./Transport.ts"

export type BuildFailure =
  | BuildFailed
  | ContainerfileMissing
  | OptionInvalid
  | ReferenceInvalid
  | ArchiveInvalid
  | MemberUnsafe
  | ImageNotFound
  | IntakeFailure
  | CopyFailure

type Services = ImageStore | Transport | Tools

/** Build an image for this host's processor and take it in under its names. */
export const buildImage = Effect.fn("buildImage")(function* (
  context: BuildContext,
  options: BuildOptions,
): Effect.fn.Return<StoredImage, BuildFailure, Services> {
  const names = yield* Effect.forEach(options.tag, (tag) => Effect.fromResult(newName(tag, "build")))
  const policy = yield* Effect.fromResult(pullPolicyOf(options.pull))
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const area = yield* (yield* ImageStore).area
      const directory = join(area, "builder")
      yield* makeDirectory(directory)
      const opened = yield* openContext(context, area)
      const texts = yield* readContainerfiles(options.file, opened)
      const files = yield* Effect.forEach(texts, (text, at) => {
        const path = join(area, `Containerfile.${at}`)
        return Effect.as(
          attemptSync("write", path, () => fs.writeFileSync(path, text)),
          path,
        )
      })
      if (policy !== "always") yield* offerBases(baseImages(texts.join("\n"), options.buildArg), directory)
      const id = yield* runBuilder({ directory, files, context: opened }, options)
      const from = { _tag: "Other", text: inBuilder(directory, `@${id}`) } as const
      return yield* copyIn(from, { operation: "load", ref: options.tag[0] ?? id, names, preserveDigests: false })
    }),
  )
})

/** A directory to copy from, and where a Containerfile lies that is named as the caller does. */
interface OpenContext {
  /** What the caller calls it. */
  readonly name: string
  readonly root: string
  readonly find: (file: string) => string
}

const openContext = Effect.fnUntraced(function* (
  context: BuildContext,
  area: string,
): Effect.fn.Return<OpenContext, ArchiveInvalid | IntakeFailure | ToolMissing, Tools> {
  if (context._tag === "Directory") {
    const { path } = context
    return { name: path, root: path, find: (file) => (isAbsolute(file) ? file : join(path, file)) }
  }
  const { name = "the context" } = context
  const archive = join(area, "context.tar")
  yield* makeDirectory(join(area, "context"))
  // as the builder calls it
  const root = fs.realpathSync(join(area, "context"))
  yield* attempt("write", archive, (signal) =>
    pipeline(Stream.toAsyncIterable(context.bytes), fs.createWriteStream(archive), { signal }),
  )
  // whatever its compression
  yield* runOk(yield* (yield* Tools).path("tar"), ["--extract", "--file", archive, "--directory", root]).pipe(
    Effect.catchTag("ToolFailed", ({ detail }) =>
      Effect.fail(new ArchiveInvalid({ archive: "the context", problem: detail })),
    ),
  )
  // an archive has no say in what lies outside it
  return { name, root, find: (file) => resolveInRoot(root, file) ?? "" }
})

/** Where a Containerfile is looked for when none is named. */
const usualNames = ["Containerfile", "Dockerfile"]

const readContainerfiles = Effect.fnUntraced(function* (
  named: ReadonlyArray<string>,
  { find, name: context }: OpenContext,
): Effect.fn.Return<ReadonlyArray<string>, ContainerfileMissing | IntakeFailure> {
  const usual = usualNames.find((name) => fs.existsSync(find(name)))
  if (named.length === 0 && usual === undefined) {
    return yield* new ContainerfileMissing({ path: context, reason: "context" })
  }
  return yield* Effect.forEach(named.length > 0 ? named : [usual ?? ""], (name) =>
    Effect.gen(function* () {
      const path = find(name)
      if (!fs.existsSync(path)) return yield* new ContainerfileMissing({ path: name, reason: "named" })
      const text = yield* attemptSync("read", name, () => fs.readFileSync(path, "utf8"))
      return text === "" ? yield* new ContainerfileMissing({ path: name, reason: "empty" }) : text
    }),
  )
})

/** Give the builder those of the named images that are here. */
const offerBases = Effect.fnUntraced(function* (names: ReadonlyArray<string>, directory: string) {
  const store = yield* ImageStore
  for (const ref of names) {
    const found = yield* Effect.result(store.find(ref))
    if (Result.isFailure(found)) continue
    const { image, name = image.names[0] ?? `localhost/${image.id}:latest` } = found.success
    const layout = yield* exportLayout(image.id, { ref: "base", form: ociForm(image) })
    yield* (yield* Transport).copy({
      operation: "save",
      ref,
      from: { _tag: "Path", transport: "oci", path: layout, ref: "base" },
      to: { _tag: "Other", text: inBuilder(directory, name) },
      preserveDigests: false,
    })
  }
})
