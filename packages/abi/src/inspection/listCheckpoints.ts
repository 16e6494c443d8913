/** The checkpoints of this host: of stopped containers, as images of the store, as archives in directories. */
import * as fs from "node:fs"
import { join } from "node:path"
import { decompressed, readTar } from "@cryopod/archive"
import { checkpointMembers } from "@cryopod/checkpoint"
import {
  type CheckpointSummary,
  type CheckpointViewFailure,
  factsFromAnnotations,
  isCheckpointImage,
} from "@cryopod/entities"
import { attemptSync, Layout, openInput } from "@cryopod/host"
import { describingAnnotations, ImageStore } from "@cryopod/images"
import { Containers, type OciSpec } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type { AllServices } from "../EngineServices.ts"
import { describeContainer } from "./describeContainer.ts"

export const listCheckpoints = Effect.fn("CheckpointEngine.list")(function* (
  directories: ReadonlyArray<string>,
): Effect.fn.Return<ReadonlyArray<CheckpointSummary>, CheckpointViewFailure, AllServices> {
  return [...(yield* ofContainers), ...(yield* ofImages), ...(yield* Effect.forEach(directories, ofDirectory)).flat()]
})

const ofContainers = Effect.gen(function* () {
  const layout = yield* Layout
  const all = yield* (yield* Containers).list
  const stopped = all.filter(({ state }) => state.status === "exited" && state.checkpointed)
  return yield* Effect.forEach(stopped, ({ config, id, name, state }) =>
    attemptSync("look at", layout.container(id).checkpoint, (): CheckpointSummary => ({
      kind: "container",
      source: name,
      container: name,
      containerId: id,
      image: config.imageName,
      runtime: config.runtime,
      engine: "cryopod",
      made: state.checkpointedAt ?? "",
      sizeBytes: directoryBytes(layout.container(id).checkpoint),
    })),
  )
})

const directoryBytes = (directory: string): number =>
  fs.existsSync(directory)
    ? fs.readdirSync(directory).reduce((sum, name) => sum + fs.lstatSync(join(directory, name)).size, 0)
    : 0

const ofImages = Effect.gen(function* () {
  const images = yield* (yield* ImageStore).list
  return images.flatMap((image): ReadonlyArray<CheckpointSummary> => {
    const annotations = describingAnnotations(image)
    if (!isCheckpointImage(annotations)) return []
    const facts = factsFromAnnotations(annotations)
    return [
      {
        kind: "image",
        source: image.names[0] ?? image.id.slice(0, 12),
        container: facts.name ?? "",
        containerId: "",
        image: facts.rootfsImageName ?? "",
        runtime: facts.runtimeName ?? "",
        engine: facts.engineName ?? "",
        made: image.created,
        sizeBytes: image.sizeBytes,
      },
    ]
  })
})

const ofDirectory = Effect.fnUntraced(function* (directory: string) {
  const names = yield* attemptSync("read", directory, () =>
    fs.readdirSync(directory).filter((name) => /\.tar(?:\.(?:gz|zst))?$|\.tgz$/.test(name)),
  )
  const found = yield* Effect.forEach(names.toSorted(), (name) => ofArchive(join(directory, name)))
  return found.flatMap((one) => one ?? [])
})

/** Undefined for what is no checkpoint: a directory may hold anything. */
const ofArchive = (path: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { mtime, size } = yield* attemptSync("look at", path, () => fs.statSync(path))
      const input = yield* openInput(path)
      const documents = yield* Effect.promise(() => documentsOf(input).catch(() => undefined))
      if (documents === undefined) return undefined
      const { id, image, name, runtime, engine } = describeContainer({
        ...documents,
        annotations: {},
        members: "",
      })
      const summary: CheckpointSummary = {
        kind: "archive",
        source: path,
        container: name,
        containerId: id,
        image,
        runtime,
        engine,
        made: mtime.toISOString(),
        sizeBytes: size,
      }
      return summary
    }),
  )

const maxDocumentBytes = checkpointMembers.config.maxBytes

/** The two documents that describe a container; no more of the archive is read than it takes to find them. */
const documentsOf = async (input: AsyncIterable<Uint8Array>) => {
  const found = new Map<string, unknown>()
  for await (const { content, name, sizeBytes } of readTar(decompressed(input))) {
    const member = name.replace(/^\.\//, "")
    if (member !== checkpointMembers.config.name && member !== checkpointMembers.spec.name) continue
    if (sizeBytes > maxDocumentBytes) return undefined
    const pieces: Array<Uint8Array> = []
    for await (const piece of content) pieces.push(Uint8Array.from(piece))
    found.set(member, JSON.parse(Buffer.concat(pieces).toString("utf8")))
    if (found.size === 2) break
  }
  const [config, spec] = [found.get(checkpointMembers.config.name), found.get(checkpointMembers.spec.name)]
  if (!isObject(config) || !isObject(spec)) return undefined
  return { config, spec: spec as Pick<OciSpec, "annotations" | "hostname"> }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
