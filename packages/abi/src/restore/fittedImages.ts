/**
 * CRIU's files, fitted to the container that is restored from them.
 *
 * CRIU restores what a UTS or IPC namespace held also where it is told to join one: the hostname of the pod would become
 * that of another pod, its limits too, and System V objects that are still there would make the restore fail. It moves
 * processes to the cgroup that they were in, though that may be another container's (`ownCgroups.ts`). So CRIU is given
 * second names of its files, in a directory where those that must say something else are written anew. (By links of another
 * kind it would not find them, once it has changed its root.)
 */
import * as fs from "node:fs"
import { basename, join } from "node:path"
import {
  type ByteSource,
  imageEntries,
  ipcDecision,
  ipcImageKinds,
  type IpcObject,
  type IpcObjectKind,
  ipcObjectKinds,
  ipcObjectOf,
  ipcObjectsIn,
  Protobuf,
  readImage,
} from "@cryopod/criu"
import { type ContainerNotFound, type HostFailure, IpcObjectTaken } from "@cryopod/entities"
import { attemptSync, Layout, linkTree, makeDirectory, removeTree, runOk, Tools } from "@cryopod/host"
import { type ContainerRecord, Containers, joinedContainer } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { EngineServices } from "../EngineServices.ts"
import { hasOtherCgroups, keepOwnCgroups } from "./ownCgroups.ts"
import { entryBytes, rewriteImages } from "./rewriteImages.ts"

export interface FittedImages {
  readonly imagesDirectory: string
  /** Whether the namespaces are those that the container was dumped in. */
  readonly namespaces: "same" | "other"
}

/** The directory to restore from until the scope closes; the given one where nothing must be other than it was dumped. */
export const fittedImages = Effect.fn("restore.fittedImages")(function* (
  record: ContainerRecord,
  { imagesDirectory, namespaces }: FittedImages,
): Effect.fn.Return<string, IpcObjectTaken | ContainerNotFound | HostFailure, EngineServices | Scope.Scope> {
  const [uts, ipc] = (["uts", "ipc"] as const).map((kind) => joinedContainer(record.config, kind))
  const cgroup = record.config.runtime === "crun" && (yield* hasOtherCgroups(imagesDirectory, record.id))
  if (uts === undefined && ipc === undefined && !cgroup) return imagesDirectory
  const area = join((yield* Layout).container(record.id).userdata, "fitted")
  yield* Effect.addFinalizer(() => Effect.ignore(removeTree(area)))
  const directory = yield* linkedImages(imagesDirectory, area)
  if (uts !== undefined) yield* presentHostname(directory, uts)
  if (ipc !== undefined) yield* presentObjects(directory, ipc, namespaces)
  if (cgroup) yield* keepOwnCgroups(directory, record.id)
  return directory
})

/** Second names of CRIU's files, and of those of the round before, to which they lead by a relative link. */
const linkedImages = Effect.fnUntraced(function* (imagesDirectory: string, area: string) {
  yield* removeTree(area)
  yield* makeDirectory(area)
  const directory = join(area, basename(imagesDirectory))
  yield* linkTree(imagesDirectory, directory)
  const previous = yield* attemptSync("look at", directory, () => {
    const parent = join(directory, "parent")
    return fs.existsSync(join(imagesDirectory, "parent")) ? fs.readlinkSync(parent) : undefined
  })
  if (previous !== undefined) yield* linkTree(join(imagesDirectory, previous), join(directory, previous))
  return directory
})

/** Files of the kernel as they are seen inside a namespace of a container, by their paths; "" for one that is not there. */
const seenInside = Effect.fnUntraced(function* (owner: string, namespace: "uts" | "ipc", paths: ReadonlyArray<string>) {
  const { state } = yield* (yield* Containers).get(owner)
  const nsenter = yield* (yield* Tools).path("nsenter")
  // every file with a line of its own behind it, by which they are told apart
  const script = 'for path; do cat "$path" 2>/dev/null; echo "--"; done'
  const shown = yield* runOk(nsenter, [
    `--${namespace}=/proc/${state.pid}/ns/${namespace}`,
    "sh",
    "-c",
    script,
    "sh",
    ...paths,
  ])
  const contents = shown.split(/^--\n/m)
  return new Map(paths.map((path, at) => [path, contents[at] ?? ""]))
})

const hostnamePath = "/proc/sys/kernel/hostname"
const domainnamePath = "/proc/sys/kernel/domainname"

const presentHostname = Effect.fnUntraced(function* (directory: string, owner: string) {
  const seen = yield* seenInside(owner, "uts", [hostnamePath, domainnamePath])
  const line = (path: string) => (seen.get(path) ?? "").trimEnd()
  yield* rewriteImages(directory, "utsns", (source) =>
    readImage(source, "utsns").map((entry) =>
      entryBytes("utsns", { ...entry, nodename: line(hostnamePath), domainname: line(domainnamePath) }),
    ),
  )
})

/** Where the kernel shows each limit of an IPC namespace (CRIU `criu/ipc_ns.c`). */
const limitPaths = {
  msg_ctlmax: "/proc/sys/kernel/msgmax",
  msg_ctlmnb: "/proc/sys/kernel/msgmnb",
  msg_ctlmni: "/proc/sys/kernel/msgmni",
  shm_ctlmni: "/proc/sys/kernel/shmmni",
  shm_rmid_forced: "/proc/sys/kernel/shm_rmid_forced",
  mq_queues_max: "/proc/sys/fs/mqueue/queues_max",
  mq_msg_max: "/proc/sys/fs/mqueue/msg_max",
  mq_msgsize_max: "/proc/sys/fs/mqueue/msgsize_max",
  mq_msg_default: "/proc/sys/fs/mqueue/msg_default",
  mq_msgsize_default: "/proc/sys/fs/mqueue/msgsize_default",
} as const
const bigLimitPaths = { shm_ctlmax: "/proc/sys/kernel/shmmax", shm_ctlall: "/proc/sys/kernel/shmall" } as const
const semaphorePath = "/proc/sys/kernel/sem"
const tablePath = (kind: IpcObjectKind) => `/proc/sysvipc/${kind}`

const presentObjects = Effect.fnUntraced(function* (
  directory: string,
  owner: string,
  namespaces: FittedImages["namespaces"],
) {
  const seen = yield* seenInside(owner, "ipc", [
    ...Object.values(limitPaths),
    ...Object.values(bigLimitPaths),
    semaphorePath,
    ...ipcObjectKinds.map(tablePath),
  ])
  const present = ipcObjectKinds.flatMap((kind) => ipcObjectsIn(kind, seen.get(tablePath(kind)) ?? ""))
  yield* rewriteImages(directory, "ipcns-var", (source) =>
    readImage(source, "ipc_var").map((entry) => entryBytes("ipc_var", { ...entry, ...limitsOf(seen) })),
  )
  for (const kind of ipcObjectKinds) {
    const taken: Array<IpcObject> = []
    yield* rewriteImages(directory, `ipcns-${kind}`, (source) => {
      const decisions = objectsOf(kind, source).map((dumped) => ({
        ...dumped,
        decision: ipcDecision(dumped.object, present, namespaces),
      }))
      taken.push(...decisions.filter(({ decision }) => decision === "taken").map(({ object }) => object))
      if (decisions.every(({ decision }) => decision === "restore")) return undefined
      return decisions.filter(({ decision }) => decision === "restore").map(({ range }) => range)
    })
    const [first] = taken
    if (first !== undefined) return yield* new IpcObjectTaken({ kind, id: first.id, key: first.key })
  }
})

const limitsOf = (seen: ReadonlyMap<string, string>) => {
  const known = <N>(paths: Readonly<Record<string, string>>, read: (text: string) => N) =>
    Object.entries(paths).flatMap(([field, path]) => {
      const text = (seen.get(path) ?? "").trim()
      return text === "" ? [] : [[field, read(text)] as const]
    })
  const semaphores = (seen.get(semaphorePath) ?? "").trim()
  return {
    ...Object.fromEntries(known(limitPaths, Number)),
    ...Object.fromEntries(known(bigLimitPaths, BigInt)),
    ...(semaphores === "" ? {} : { sem_ctls: semaphores.split(/\s+/).map(Number) }),
  }
}

const objectsOf = (kind: IpcObjectKind, source: ByteSource) =>
  Array.from(imageEntries(source, ipcImageKinds[kind]), ({ message, payload, table }) => ({
    object: ipcObjectOf(kind, Protobuf.decode(message, table) as Parameters<typeof ipcObjectOf>[1]),
    range: { from: payload.position - message.length - 4, to: payload.position + payload.sizeBytes },
  }))
