/**
 * System V objects (shared memory, semaphores, message queues) in dumps and in namespaces.
 *
 * CRIU takes the objects of a container's IPC namespace along with the container. One that is restored into a namespace
 * that others live in may find its objects there already, and CRIU then fails: it makes every object anew.
 */
import type { EntryOf, ImageKind } from "./CriuImage.ts"

export const ipcObjectKinds = ["shm", "sem", "msg"] as const
export type IpcObjectKind = (typeof ipcObjectKinds)[number]

export interface IpcObject {
  readonly kind: IpcObjectKind
  readonly id: number
  /** 0 for an object that was made without one (IPC_PRIVATE). */
  readonly key: number
  /** Bytes of shared memory, number of semaphores; 0 for a queue. */
  readonly size: number
}

/** The image file of each kind, without its number. */
export const ipcImageKinds = { shm: "ipcns_shm", sem: "ipcns_sem", msg: "ipcns_msg" } as const satisfies Record<
  IpcObjectKind,
  ImageKind
>

type IpcEntry = EntryOf<"ipcns_shm"> | EntryOf<"ipcns_sem"> | EntryOf<"ipcns_msg">

export const ipcObjectOf = (kind: IpcObjectKind, entry: IpcEntry): IpcObject => ({
  kind,
  id: entry.desc.id,
  key: entry.desc.key >>> 0,
  size: "size" in entry ? entry.size : "nsems" in entry ? entry.nsems : 0,
})

/** Rows of `/proc/sysvipc/KIND` (proc(5)), seen from inside the namespace. */
export const ipcObjectsIn = (kind: IpcObjectKind, table: string): ReadonlyArray<IpcObject> =>
  table
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words.length > 3)
    // keys are shown as signed numbers
    .map(([key, id, , size]) => ({
      kind,
      key: Number(key) >>> 0,
      id: Number(id),
      size: kind === "msg" ? 0 : Number(size),
    }))

/** `restore` makes it anew; `keep` has the one that is there; `taken` when that is another one. */
export type IpcDecision = "restore" | "keep" | "taken"

/**
 * What becomes of a dumped object. An object is told by its number and key; one without a key can be known again only in
 * the namespace that it was dumped in.
 */
export const ipcDecision = (
  dumped: IpcObject,
  present: ReadonlyArray<IpcObject>,
  namespace: "same" | "other",
): IpcDecision => {
  const ofKind = present.filter(({ kind }) => kind === dumped.kind)
  const there = ofKind.find(({ id }) => id === dumped.id)
  if (there === undefined) {
    return dumped.key !== 0 && ofKind.some(({ key }) => key === dumped.key) ? "taken" : "restore"
  }
  const alike = there.key === dumped.key && there.size === dumped.size
  return alike && (dumped.key !== 0 || namespace === "same") ? "keep" : "taken"
}
