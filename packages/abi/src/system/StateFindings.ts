/**
 * What `system check --deep` finds of the engine's own state: the database held against what is on disk and in the kernel.
 *
 * Nothing is changed by it. Operations that are under way belong to those who do them and are no findings.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { digestOfBytes } from "@cryopod/archive"
import type { HostFailure, StateFinding } from "@cryopod/entities"
import { type ContainerPaths, Database, holdLock, Layout, type LayoutShape, mountsBelow } from "@cryopod/host"
import { ImageStore, type ImageStoreShape, type StoredImage, type Unfinished } from "@cryopod/images"
import { type ContainerRecord, Containers, isActive, type Volumes } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { observe } from "../container/observe.ts"
import { hasCompleteDump } from "../container/repair.ts"
import { volumeFindings } from "./volumeFindings.ts"

type Services = Database | Layout | Containers | ImageStore | Volumes

export const stateFindings: Effect.Effect<ReadonlyArray<StateFinding>, HostFailure, Services> = Effect.gen(
  function* () {
    const layout = yield* Layout
    const store = yield* ImageStore
    const database = yield* databaseFindings
    const records = yield* (yield* Containers).list
    const containers = yield* Effect.forEach(records, containerFindings)
    const unfinished = yield* store.finishPending
    const images = yield* store.list
    return [
      ...database,
      ...containers.flat(),
      ...strayFindings(layout, new Set(records.map(({ id }) => id))),
      ...images.flatMap((image) => imageFindings(store, image)),
      ...unfinished.map(unfinishedFinding),
      ...(yield* volumeFindings(records)),
      ...records.flatMap((record) => baseFindings(images, record)),
    ]
  },
).pipe(Effect.withSpan("SystemEngine.stateFindings"))

/** SQLite's own look at its file, and rows that lead to nothing. */
const databaseFindings = Effect.gen(function* () {
  const { database: path } = yield* Layout
  const { broken, dangling } = yield* (yield* Database).read((prepare) => ({
    broken: prepare("pragma integrity_check").all(),
    dangling: prepare("pragma foreign_key_check").all(),
  }))
  const finding = (problem: string): StateFinding => ({
    kind: "database",
    name: path,
    problem,
    remedy: "restore the database from a backup, or start with a new root directory",
  })
  return [
    ...broken.map((row) => String(row["integrity_check"])).filter((text) => text !== "ok"),
    ...dangling.map((row) => `table ${String(row["table"])} refers to a row that is not there`),
  ].map(finding)
})

const containerFindings = Effect.fnUntraced(function* (record: ContainerRecord) {
  const { id, name, state } = record
  const paths = (yield* Layout).container(id)
  const finding = (problem: string, remedy: string): StateFinding => ({ kind: "container", name, problem, remedy })
  if (yield* isBusy(paths)) return []
  const found: Array<StateFinding> = []
  if (state.operation !== undefined) {
    found.push(finding(`its ${state.operation} died half-way`, "any command on the container puts it right"))
    return found
  }
  if (!fs.existsSync(paths.config)) {
    found.push(finding(`${paths.config} is missing`, `remove the container: cryopod rm --force ${name}`))
  }
  const active = isActive(state)
  if (active && observe(state, paths) !== state) {
    found.push(finding("it is recorded as running and does not run", "any command on the container puts it right"))
  }
  const mounts = mountsBelow(paths.directory)
  if (active && !mounts.includes(paths.merged)) {
    found.push(finding("its root filesystem is not mounted", `restart it: cryopod restart ${name}`))
  }
  if (!active && mounts.length > 0) {
    found.push(finding(`${mounts.join(", ")} still mounted`, `unmount it, or start the container`))
  }
  if (state.checkpointed && !(yield* hasCompleteDump(paths))) {
    found.push(finding("its checkpoint is not complete", "restore it from an image or archive, or start it anew"))
  }
  return found
})

/** True while somebody holds the container's lock. */
const isBusy = (paths: ContainerPaths) =>
  fs.existsSync(paths.lock)
    ? Effect.scoped(Effect.timeoutOption(holdLock(paths.lock), "20 millis")).pipe(Effect.map(Option.isNone))
    : Effect.succeed(false)

/** Directories that no container has. */
const strayFindings = ({ containers }: LayoutShape, known: ReadonlySet<string>): ReadonlyArray<StateFinding> =>
  namesIn(containers)
    .filter((name) => !known.has(name))
    .map((name) => ({
      kind: "container",
      name,
      problem: `${join(containers, name)} belongs to no container`,
      remedy: "remove the directory, after unmounting what is below it",
    }))

/** Documents are hashed; layers are there, as blobs or unpacked. */
const imageFindings = (store: ImageStoreShape, image: StoredImage): ReadonlyArray<StateFinding> => {
  const finding = (problem: string): StateFinding => ({
    kind: "image",
    name: image.names[0] ?? image.id,
    problem,
    remedy: "pull or load the image again, or remove it",
  })
  const documents = [image.manifestDigest, `sha256:${image.id}`].flatMap((digest) => {
    const path = store.blobPath(digest)
    if (!fs.existsSync(path)) return [finding(`document ${digest} is missing`)]
    return digestOfBytes(fs.readFileSync(path)) === digest ? [] : [finding(`document ${digest} is damaged`)]
  })
  const layers = image.layers.flatMap((layer) => {
    const blob = fs.statSync(store.blobPath(layer.digest), { throwIfNoEntry: false })
    if (blob === undefined)
      return fs.existsSync(store.layerPath(layer.diffId)) ? [] : [finding(`layer ${layer.digest} is missing`)]
    return blob.size === layer.sizeBytes ? [] : [finding(`layer ${layer.digest} has the wrong size`)]
  })
  return [...documents, ...layers]
}

/** Whoever looks at the images makes what is still to be made of them, this check as well. */
const unfinishedFinding = ({ failure, image: { name } }: Unfinished): StateFinding => ({
  kind: "image",
  name,
  problem: `its digest cannot be taken: ${failure.message}`,
  remedy: "make room or mend the disk, and ask for the image again",
})

/** A container without its image could not be started or restored again. */
const baseFindings = (images: ReadonlyArray<StoredImage>, { config, name }: ContainerRecord) =>
  images.some(({ id }) => id === config.imageId)
    ? []
    : [
        {
          kind: "container",
          name,
          problem: `its image ${config.imageId.slice(0, 12)} is not in the store`,
          remedy: `pull ${config.imageName || "the image"} again`,
        } satisfies StateFinding,
      ]

const namesIn = (directory: string): ReadonlyArray<string> =>
  fs.existsSync(directory) ? fs.readdirSync(directory) : []
