/**
 * A checkpoint to be looked at, wherever it lies. A container's and an image's are looked at where they are; of an archive,
 * which is read once, only that comes to the disk which is looked at: the rest of the memory passes by.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { checkpointMembers, checkpointRules, memberOf } from "@cryopod/checkpoint"
import { pagesNumber } from "@cryopod/criu"
import {
  type ArchiveSource,
  CheckpointInvalid,
  type CheckpointSource,
  type CheckpointViewFailure,
  isCheckpointImage,
  NotACheckpoint,
} from "@cryopod/entities"
import { attemptSync, Layout, temporaryArea } from "@cryopod/host"
import { checkpointLayer, describingAnnotations } from "@cryopod/images"
import { type ContainerRecord, type OciSpec, parseSpec } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { libpodDocument, portableSpec } from "../checkpoint/libpodDocument.ts"
import { readSpec } from "../container/bundle.ts"
import { requireCompleteDump } from "../container/repair.ts"
import type { AllServices } from "../EngineServices.ts"
import { type Origin, originOf } from "../policy/Origins.ts"
import { containerNamed, imageNamed } from "../restore/named.ts"
import { nameOf, unpackInto } from "../restore/openArchive.ts"
import { type DumpFiles, openDump } from "./DumpFiles.ts"
import { wantedPages } from "./wantedPages.ts"

export interface View {
  readonly source: string
  readonly kind: "container" | "archive" | "image"
  readonly origin: Origin
  /** Directory of the members. */
  readonly members: string
  readonly dump: DumpFiles
  /** `config.dump`, a stranger's and of any engine: nothing is sure. */
  readonly config: Readonly<Record<string, unknown>>
  readonly spec: OciSpec
  /** Of an image. */
  readonly annotations: Readonly<Record<string, string>>
  /** Absent for what left its container. */
  readonly record?: ContainerRecord
}

/** How much of the memory is looked at: what processes say of themselves, or all of it. */
export type WantedMemory = "words" | "all"

export const openView = Effect.fn("inspection.open")(function* (
  source: CheckpointSource,
  memory: WantedMemory,
): Effect.fn.Return<View, CheckpointViewFailure, AllServices | Scope.Scope> {
  if (source._tag === "Archive") return yield* viewArchive(source.archive, memory)
  const { ref } = source
  const record = yield* containerNamed(ref)
  return yield* record === undefined ? viewImage(ref) : viewContainer(ref, record)
})

const viewContainer = Effect.fnUntraced(function* (ref: string, record: ContainerRecord) {
  const paths = (yield* Layout).container(record.id)
  yield* requireCompleteDump(record.id, paths)
  const spec = portableSpec(yield* readSpec(paths), record.config.mounts)
  const view: View = {
    source: ref,
    kind: "container",
    origin: "here",
    members: paths.userdata,
    dump: yield* openDump(paths.checkpoint),
    config: libpodDocument(record, { spec, volumes: [] }),
    spec,
    annotations: {},
    record,
  }
  return view
})

const viewImage = Effect.fnUntraced(function* (ref: string) {
  const image = yield* imageNamed(ref)
  const annotations = describingAnnotations(image)
  if (!isCheckpointImage(annotations)) return yield* new NotACheckpoint({ id: image.id })
  const members = yield* checkpointLayer(image.id, { archive: ref, ...checkpointRules })
  const documents = yield* readDocuments(ref, members)
  const view: View = {
    source: ref,
    kind: "image",
    origin: (yield* originOf([image.id])).origin,
    members,
    dump: yield* openDump(join(members, images)),
    ...documents,
    annotations,
  }
  return view
})

const images = checkpointMembers.images.name

/** The number of a file of memory, by its path among the members; undefined for any other. */
export const pagesIn = (path: string): number | undefined =>
  path.startsWith(`${images}/`) ? pagesNumber(path.slice(images.length + 1)) : undefined

const viewArchive = Effect.fnUntraced(function* (archive: ArchiveSource, memory: WantedMemory) {
  const source = nameOf(archive)
  const area = yield* temporaryArea((yield* Layout).temporary)
  const members = join(area, "members")
  // memory that comes before what describes it is passed over, and read when the rest is known; a stream comes once
  const again = memory === "words" && archive._tag === "File" && isRegular(archive.path)
  const later = new Set<string>()
  const { digest } = yield* unpackInto(
    archive,
    members,
    () => true,
    (path) => {
      const member = memberOf(path)?.name
      // of these the size is told, and nothing else
      if (member === checkpointMembers.volumes.name || member === checkpointMembers.shm.name) return []
      const pages = pagesIn(path)
      if (pages === undefined || memory === "all") return undefined
      const wanted = wantedPages(join(members, images), pages)
      if (wanted !== undefined || !again) return wanted
      later.add(path)
      return []
    },
  )
  if (later.size > 0) {
    yield* attemptSync("remove", members, () => later.forEach((path) => fs.rmSync(join(members, path))))
    yield* unpackInto(
      archive,
      members,
      (path) => later.has(path),
      (path) => wantedPages(join(members, images), pagesIn(path) ?? 0),
    )
  }
  if (!fs.existsSync(join(members, images))) {
    return yield* new CheckpointInvalid({ source, member: images, problem: "is missing" })
  }
  const documents = yield* readDocuments(source, members)
  const view: View = {
    source,
    kind: "archive",
    origin: (yield* originOf([digest])).origin,
    members,
    dump: yield* openDump(join(members, images)),
    ...documents,
    annotations: {},
  }
  return view
})

/** A pipe, or standard input, is read once. */
const isRegular = (path: string): boolean => fs.statSync(path, { throwIfNoEntry: false })?.isFile() === true

const readDocuments = Effect.fnUntraced(function* (source: string, members: string) {
  const text = Effect.fnUntraced(function* (member: string) {
    const path = join(members, member)
    const found = yield* attemptSync("read", path, () =>
      fs.existsSync(path) ? fs.readFileSync(path, "utf8") : undefined,
    )
    return found ?? (yield* new CheckpointInvalid({ source, member, problem: "is missing" }))
  })
  const invalid = (member: string) => (problem: string) => new CheckpointInvalid({ source, member, problem })
  const { config, spec } = checkpointMembers
  return {
    spec: yield* Effect.fromResult(Result.mapError(parseSpec(yield* text(spec.name)), invalid(spec.name))),
    config: yield* Effect.fromResult(Result.mapError(objectIn(yield* text(config.name)), invalid(config.name))),
  }
})

const objectIn = (document: string): Result.Result<Readonly<Record<string, unknown>>, string> => {
  const parsed = Result.try(() => JSON.parse(document) as unknown)
  if (Result.isFailure(parsed)) return Result.fail("is not JSON")
  const { success } = parsed
  return typeof success === "object" && success !== null && !Array.isArray(success)
    ? Result.succeed(success as Readonly<Record<string, unknown>>)
    : Result.fail("is no object")
}
