/** Everything that can be told of a checkpoint but the content of its memory. */
import * as fs from "node:fs"
import { join } from "node:path"
import { decompressed, printable, readTar } from "@cryopod/archive"
import { checkpointMembers, tarEntries, volumeMember } from "@cryopod/checkpoint"
import { machines, pagesNumber, securityModules } from "@cryopod/criu"
import {
  ArchiveInvalid,
  CheckpointInvalid,
  type CheckpointInspect,
  type CheckpointSource,
  type CheckpointViewFailure,
  type OpenSocket,
  type StorageFailed,
} from "@cryopod/entities"
import { attemptSync, openInput } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type { AllServices } from "../EngineServices.ts"
import { diff } from "../container/diff.ts"
import { readDump, dumpFailure } from "./DumpFiles.ts"
import { describeContainer, labelsOf, volumesOf } from "./describeContainer.ts"
import { readFileTable } from "./openFiles.ts"
import { openView, type View } from "./openView.ts"
import { dumpedProcesses } from "./processes.ts"

export const inspectCheckpoint = Effect.fn("CheckpointEngine.inspect")(function* (
  source: CheckpointSource,
  options: { readonly environment: boolean },
): Effect.fn.Return<CheckpointInspect, CheckpointViewFailure, AllServices> {
  return yield* Effect.scoped(Effect.flatMap(openView(source, "words"), (view) => inspectView(view, options)))
})

export const inspectView = Effect.fnUntraced(function* (
  view: View,
  { environment }: { readonly environment: boolean },
): Effect.fn.Return<CheckpointInspect, CheckpointViewFailure, AllServices> {
  const { dump, members, spec } = view
  const seen = yield* readDump(view.source, dump, () => {
    const inventory = dump.only("inventory.img", "inventory")
    const table = readFileTable(dump)
    const sockets: Array<OpenSocket> = []
    const processes = Array.from(dumpedProcesses(dump, table, { environment }), ({ process, sockets: own }) => {
      sockets.push(...own)
      return process
    })
    const first = processes[0]?.pid
    const machine = first === undefined ? undefined : dump.only(`core-${first}.img`, "core")?.mtype
    return { inventory, processes, sockets, machine }
  })
  if (seen.inventory === undefined) {
    return yield* new CheckpointInvalid({
      source: view.source,
      member: "checkpoint/inventory.img",
      problem: "is missing",
    })
  }
  const statistics = yield* readStatistics(view)
  const sizes = yield* attemptSync("look at", members, () => sizesOf(view))
  const report: CheckpointInspect = {
    source: view.source,
    kind: view.kind,
    origin: view.origin,
    container: describeContainer(view),
    annotations: { ...spec.annotations, ...view.annotations },
    labels: labelsOf(view),
    sizes,
    ...(statistics === undefined ? {} : { statistics }),
    criu: {
      imagesVersion: seen.inventory.img_version,
      architecture: machines[seen.machine ?? 0] ?? "",
      securityModule: securityModules[seen.inventory.lsmtype ?? 0] ?? "",
    },
    processes: seen.processes,
    sockets: seen.sockets,
    mounts: spec.mounts.map(({ destination, options, source, type }) => ({
      destination,
      type: type ?? "",
      source: source ?? "",
      options: options ?? [],
    })),
    volumes: volumesOf(view).map(({ destination, name }) => ({
      name,
      destination,
      sizeBytes: sizeOf(join(members, volumeMember(name))),
    })),
    rootfs: yield* rootfsOf(view),
  }
  return report
})

const sizeOf = (path: string): number => fs.lstatSync(path, { throwIfNoEntry: false })?.size ?? 0

const sizesOf = ({ dump, members }: View): CheckpointInspect["sizes"] => {
  let [checkpoint, pages] = [0, 0]
  for (const name of dump.names()) {
    const bytes = dump.sizeOf(name)
    checkpoint += bytes
    if (pagesNumber(name) !== undefined) pages += bytes
  }
  const volumesDirectory = join(members, checkpointMembers.volumes.name)
  const volumes = fs.existsSync(volumesDirectory)
    ? fs.readdirSync(volumesDirectory).reduce((sum, name) => sum + sizeOf(join(volumesDirectory, name)), 0)
    : 0
  const rootfsDiff = sizeOf(join(members, checkpointMembers.rootfsDiff.name))
  const sharedMemory = sizeOf(join(members, checkpointMembers.shm.name))
  return {
    checkpoint,
    pages,
    rootfsDiff,
    sharedMemory,
    volumes,
    total: checkpoint + rootfsDiff + sharedMemory + volumes,
  }
}

/** Beside the images of what left its container, in the bundle of what did not; CRIU's other numbers with it. */
const readStatistics = ({ dump, members, source }: View) =>
  Effect.try({
    try: (): Readonly<Record<string, number>> | undefined => {
      const path = join(members, checkpointMembers.dumpStatistics.name)
      const numbers = fs.existsSync(path) ? dump.outside(path, "stats")?.dump : undefined
      return numbers === undefined ? undefined : { ...numbers }
    },
    catch: (cause) => dumpFailure(source, dump, cause),
  })

const rootfsOf = Effect.fnUntraced(function* (
  view: View,
): Effect.fn.Return<CheckpointInspect["rootfs"], CheckpointViewFailure, AllServices> {
  const { members, record, source } = view
  if (record !== undefined) {
    const changes = yield* diff(record)
    const paths = (deleted: boolean) =>
      changes.filter(({ kind }) => (kind === "deleted") === deleted).map(({ path }) => path)
    return { changed: paths(false), deleted: paths(true) }
  }
  const { deletedFiles, rootfsDiff } = checkpointMembers
  const path = join(members, rootfsDiff.name)
  const changed = fs.existsSync(path) ? yield* changedPaths(path) : []
  const deleted = yield* attemptSync("read", members, () => {
    const file = join(members, deletedFiles.name)
    return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "[]"
  })
  const paths = yield* Effect.try({
    try: () => JSON.parse(deleted) as unknown,
    catch: () => new CheckpointInvalid({ source, member: deletedFiles.name, problem: "is not JSON" }),
  })
  return { changed, deleted: Array.isArray(paths) ? paths.map(String) : [] }
})

/** containerd compresses it. */
const changedPaths = (path: string): Effect.Effect<ReadonlyArray<string>, ArchiveInvalid | StorageFailed> =>
  Effect.try({
    try: () => [...tarEntries(path)].map(({ name }) => rooted(name)).filter((name) => name !== "/"),
    catch: (cause) =>
      new ArchiveInvalid({ archive: checkpointMembers.rootfsDiff.name, problem: (cause as Error).message }),
  }).pipe(
    Effect.catchIf(
      () => isCompressed(path),
      () => compressedPaths(path),
    ),
  )

/** RFC 1952. */
const isCompressed = (path: string): boolean => {
  const fd = fs.openSync(path, "r")
  try {
    const magic = Buffer.alloc(2)
    fs.readSync(fd, magic)
    return magic.equals(Buffer.from([0x1f, 0x8b]))
  } finally {
    fs.closeSync(fd)
  }
}

const compressedPaths = (path: string): Effect.Effect<ReadonlyArray<string>, ArchiveInvalid | StorageFailed> =>
  Effect.scoped(
    Effect.flatMap(openInput(path), (input) =>
      Effect.tryPromise({
        try: async () => {
          const names: Array<string> = []
          for await (const { name } of readTar(decompressed(input))) names.push(rooted(printable(name)))
          return names.filter((name) => name !== "/")
        },
        catch: (cause) =>
          new ArchiveInvalid({ archive: checkpointMembers.rootfsDiff.name, problem: (cause as Error).message }),
      }),
    ),
  )

/** `./a/b/` → `/a/b`. */
const rooted = (name: string): string =>
  `/${name
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/")}`
