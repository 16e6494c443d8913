/** Make a container from an image. */
import * as fs from "node:fs"
import {
  type CreateFailure,
  type CreateOptions,
  ImageInvalid,
  isCheckpointImage,
  parseExpose,
  publishedToo,
  randomName,
} from "@cryopod/entities"
import { holdLock, Layout, randomHex } from "@cryopod/host"
import { ImageStore, RootFilesystems } from "@cryopod/images"
import {
  type ContainerConfig,
  containerPaths,
  type ContainerRecord,
  Containers,
  hardLimits,
  heldCapabilities,
  initialState,
  makeSpec,
  withHostPorts,
} from "@cryopod/runtime"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { type AllServices, EngineDefaults } from "../EngineServices.ts"
import { requireNetworks } from "../network/attachmentsOf.ts"
import { ensureVolumes, keepVolumes } from "../volume/containerVolumes.ts"
import { resolveMounts } from "../volume/resolveMounts.ts"
import { makeContainerDirectories, writeEngineFiles, writeSpec } from "./bundle.ts"
import { repairAbandoned } from "./ContainerScope.ts"
import { containerConfig } from "./containerConfig.ts"
import { erase } from "./erase.ts"
import { holdingOwners } from "./joining.ts"
import { type Connection, membership, type Membership } from "./membership.ts"

/** Ids of containers are 64 hexadecimal digits, as everybody's. */
export const newContainerId = Effect.sync(() => randomHex(32))

/** A container that belongs to no pod. */
export const create = Effect.fn("ContainerEngine.create")(function* (
  options: CreateOptions,
): Effect.fn.Return<{ readonly id: string }, CreateFailure, AllServices> {
  return yield* createContainer(options, {
    id: yield* newContainerId,
    membership: yield* membership(options, undefined),
  })
})

/** What is decided about a container before it is made. */
export interface NewContainer {
  readonly id: string
  readonly membership: Membership
}

export const createContainer = Effect.fn("Container.create")(function* (
  options: CreateOptions,
  { id, membership: decided }: NewContainer,
): Effect.fn.Return<{ readonly id: string }, CreateFailure, AllServices> {
  const defaults = yield* EngineDefaults
  const store = yield* ImageStore
  const { image, name } = yield* store.find(options.image)
  if (isCheckpointImage(image.annotations)) {
    return yield* new ImageInvalid({
      ref: options.image,
      problem: "is a checkpoint and must be started using `container restore` instead",
    })
  }
  const ceilings = hardLimits()
  const imageConfig = (yield* store.config(image)).config ?? {}
  const ports = yield* portsOf(decided.connection, options, Object.keys(imageConfig.ExposedPorts ?? {}))
  const config = yield* Effect.fromResult(
    containerConfig({
      ...ports,
      id,
      createdAt: DateTime.formatIso(yield* DateTime.now),
      runtime: options.runtime ?? (yield* defaults.runtime),
      options,
      image: { id: image.id, name: name ?? image.names[0] ?? "", config: imageConfig },
      mounts: yield* resolveMounts(options, Object.keys(imageConfig.Volumes ?? {})),
      ceilings,
      membership: decided,
      callerEnv: {},
    }),
  )
  yield* (yield* RootFilesystems).unpacked(image.id)
  const inserted = insertNamed(config, options.name, (record) =>
    Effect.gen(function* () {
      const layout = yield* Layout
      const paths = containerPaths(layout, record.config)
      yield* requireNetworks(record.config.attachments ?? [])
      yield* ensureVolumes(record)
      yield* makeContainerDirectories(paths)
      yield* writeEngineFiles(paths, record.config)
      yield* writeSpec(
        paths,
        makeSpec({
          config: record.config,
          paths,
          volumeData: (name) => layout.volume(name).data,
          ceilings,
          held: heldCapabilities(),
          isDirectory: (path) => fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true,
        }),
      )
      yield* keepVolumes(record)
    }),
  )
  // whoever removes a container that others join looks for them under its lock
  yield* holdingOwners(config, inserted)
  return { id }
})

/** What the image exposes is exposed, and what is exposed is published if that is wished. */
const portsOf = Effect.fnUntraced(function* (
  { attachments, exposed: asked, published }: Connection,
  { publishAll }: CreateOptions,
  ofImage: ReadonlyArray<string>,
) {
  const exposed = [...asked]
  for (const text of ofImage) exposed.push(...(yield* Effect.fromResult(parseExpose(text))))
  const wanted = publishAll && attachments.length > 0 ? publishedToo(published, exposed) : published
  return { exposed, ports: yield* withHostPorts(wanted) }
})

/** Record the container, fill its directory, and take the record back when that fails. */
const insertNamed = Effect.fnUntraced(function* <E, R>(
  config: ContainerConfig,
  name: string,
  fill: (record: ContainerRecord) => Effect.Effect<void, E, R>,
) {
  const containers = yield* Containers
  // whoever finds an unfinished creation and gets its lock takes its maker for dead
  yield* holdLock((yield* Layout).container(config.id).lock)
  const record: ContainerRecord = {
    id: config.id,
    name: name === "" ? randomName() : name,
    config,
    state: { ...initialState, operation: "create" },
  }
  yield* repairAbandoned(({ name: taken }) => taken === record.name)
  // with the store's lock held, the image cannot go between the look and the record that keeps it
  const store = yield* ImageStore
  yield* store.locked(Effect.andThen(store.get(config.imageId), containers.insert(record)))
  yield* fill(record).pipe(Effect.onError(() => Effect.ignore(erase(record))))
  yield* containers.update(record.id, () => initialState)
}, Effect.scoped)
