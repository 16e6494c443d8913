/** Bundle and root filesystem of a container that is made from a checkpoint, and the place of CRIU's files. */
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { checkpointMembers } from "@cryopod/checkpoint"
import type { RestoreOptions } from "@cryopod/entities"
import { attemptSync, type ContainerPaths, Layout, linkTree } from "@cryopod/host"
import { cgroupsPath, containerPaths, type ContainerRecord, hardLimits } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import { makeContainerDirectories, writeEngineFiles, writeSpec } from "../container/bundle.ts"
import { writePlacedNamespaces } from "../container/joining.ts"
import { mountRootfs } from "../container/start.ts"
import { importedSpec, type StandIn } from "./importedSpec.ts"
import type { OpenedCheckpoint } from "./open.ts"

export interface Staged {
  /** CRIU's files. */
  readonly imagesDirectory: string
  /** What of the stranger's configuration was left out. */
  readonly dropped: ReadonlyArray<string>
}

export const stage = Effect.fn("restore.stage")(function* (
  record: ContainerRecord,
  opened: OpenedCheckpoint,
  options: Pick<RestoreOptions, "keep">,
) {
  const layout = yield* Layout
  const paths = containerPaths(layout, record.config)
  const { dropped, spec, standIns } = importedSpec(opened.spec, {
    cgroups: cgroupsPath(record.id),
    config: clamped(record),
    paths,
    volumeData: (name) => layout.volume(name).data,
  })
  yield* makeContainerDirectories(paths)
  const bundle = [
    writeSpec(paths, spec),
    writePlacedNamespaces(record),
    writeEngineFiles(paths, record.config),
  ] as const
  // programs mount, and the bundle is written meanwhile
  const { imagesDirectory } = yield* Effect.all(
    { mounted: mountRootfs(record), bundle: Effect.all(bundle), imagesDirectory: placeImages(paths, opened, options) },
    { concurrency: "unbounded" },
  )
  yield* attemptSync("make directories of", paths.userdata, () => makeStandIns(standIns, paths))
  return { imagesDirectory, dropped } satisfies Staged
})

/** No limit above what this process may set. */
const clamped = ({ config }: ContainerRecord) => {
  const ceilings = hardLimits()
  const lower = (type: string, value: number) => Math.min(value, ceilings[type] ?? Number.POSITIVE_INFINITY)
  return {
    ...config,
    rlimits: config.rlimits.map(({ hard, soft, type }) => ({ type, soft: lower(type, soft), hard: lower(type, hard) })),
  }
}

/** An empty file where the image has a file, an empty directory everywhere else. */
const makeStandIns = (standIns: ReadonlyArray<StandIn>, paths: ContainerPaths): void => {
  for (const { destination, path } of standIns) {
    fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const isFile =
      fs.lstatSync(join(paths.merged, join("/", destination)), { throwIfNoEntry: false })?.isFile() === true
    if (isFile) fs.writeFileSync(path, "", { mode: 0o644 })
    else fs.mkdirSync(path, { mode: 0o755 })
  }
}

/** What a restore in place reads again. */
const inPlace = [
  checkpointMembers.images.name,
  checkpointMembers.previousImages.name,
  checkpointMembers.shm.name,
  checkpointMembers.networkStatus.name,
]

/**
 * Files that are ours move into the bundle. Those of an image are read where they are; to be kept, they get second names
 * in the bundle.
 */
const placeImages = Effect.fnUntraced(function* (
  paths: ContainerPaths,
  { files, members }: OpenedCheckpoint,
  { keep }: Pick<RestoreOptions, "keep">,
) {
  if (files === "shared" && !keep) return join(members, checkpointMembers.images.name)
  for (const name of inPlace) {
    const from = join(members, name)
    const to = join(paths.userdata, name)
    if (!fs.existsSync(from)) continue
    if (files === "shared") yield* linkTree(from, to)
    else yield* attemptSync("move", to, () => fs.renameSync(from, to))
  }
  return paths.checkpoint
})
