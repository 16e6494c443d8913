/** What differs from one checkpoint to another: processes with their memory and files, sockets, the root filesystem. */
import { pageBytes, type ProcessMemory } from "@cryopod/criu"
import type {
  CheckpointDiff,
  CheckpointedProcess,
  CheckpointInspect,
  CheckpointSource,
  CheckpointViewFailure,
  OpenSocket,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import type { AllServices } from "../EngineServices.ts"
import { readDump } from "./DumpFiles.ts"
import { inspectView } from "./inspectCheckpoint.ts"
import { openView, type View } from "./openView.ts"

export interface DiffOptions {
  readonly environment: boolean
  readonly unchanged: boolean
}

export const diffCheckpoints = Effect.fn("CheckpointEngine.diff")(function* (
  before: CheckpointSource,
  after: CheckpointSource,
  { environment, unchanged }: DiffOptions,
): Effect.fn.Return<CheckpointDiff, CheckpointViewFailure, AllServices> {
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const views = [yield* openView(before, "all"), yield* openView(after, "all")] as const
      const [first, second] = [
        yield* inspectView(views[0], { environment }),
        yield* inspectView(views[1], { environment }),
      ]
      const shown = <A extends { readonly change: string }>(all: ReadonlyArray<A>) =>
        all.filter(({ change }) => unchanged || change !== "same")
      const processes = yield* Effect.forEach(pairs(first, second), (pair) => processDiff(views, pair, unchanged))
      const report: CheckpointDiff = {
        processes: shown(processes),
        sockets: shown(listDiff(first.sockets, second.sockets, (socket) => `${socket.pid} ${socketText(socket)}`)).map(
          ({ after: there, before: here, change }) => ({
            change,
            pid: (here ?? there)?.pid ?? 0,
            before: here === undefined ? "" : socketText(here),
            after: there === undefined ? "" : socketText(there),
          }),
        ),
        rootfs: shown(
          listDiff(rootfsOf(first), rootfsOf(second), (path) => path).map(({ after: there, before: here, change }) => ({
            change,
            path: here ?? there ?? "",
          })),
        ),
        sizes: { before: first.sizes.total, after: second.sizes.total },
      }
      return report
    }),
  )
})

type Change = CheckpointDiff["rootfs"][number]["change"]

interface Pair<A> {
  readonly change: Change
  readonly before: A | undefined
  readonly after: A | undefined
}

/** What both lists have under one key is the same. */
const listDiff = <A>(
  before: ReadonlyArray<A>,
  after: ReadonlyArray<A>,
  keyOf: (one: A) => string,
): ReadonlyArray<Pair<A>> => {
  const [first, second] = [before, after].map((list) => new Map(list.map((one) => [keyOf(one), one] as const)))
  const keys = [...new Set([...(first?.keys() ?? []), ...(second?.keys() ?? [])])]
  return keys.map((key) => {
    const [here, there] = [first?.get(key), second?.get(key)]
    return {
      change: here === undefined ? "added" : there === undefined ? "removed" : "same",
      before: here,
      after: there,
    }
  })
}

const pairs = (first: CheckpointInspect, second: CheckpointInspect) =>
  listDiff(first.processes, second.processes, ({ name, pid }) => `${pid} ${name}`)

/** `-` stands before what was there and is not any more. */
const rootfsOf = ({ rootfs }: CheckpointInspect): ReadonlyArray<string> => [
  ...rootfs.changed,
  ...rootfs.deleted.map((path) => `-${path}`),
]

export const socketText = ({ local, localPort, protocol, remote, remotePort, state, type }: OpenSocket): string => {
  const end = (address: string, port: number) => (port === 0 ? address : `${address}:${port}`)
  return [protocol, type, state, end(local, localPort), remote === "" ? "" : `→ ${end(remote, remotePort)}`]
    .filter((word) => word !== "")
    .join(" ")
}

const processDiff = Effect.fnUntraced(function* (
  views: readonly [View, View],
  { after, before, change }: Pair<CheckpointedProcess>,
  unchanged: boolean,
) {
  const process = before ?? after
  const pid = process?.pid ?? 0
  const different =
    change === "same"
      ? yield* readDump(views[1].source, views[1].dump, () => {
          const [here, there] = [views[0].dump.memory(pid), views[1].dump.memory(pid)]
          const bytes = differentBytes(here, there)
          for (const { dump } of views) dump.close()
          return bytes
        })
      : (process?.memoryBytes ?? 0)
  const files = listDiff(before?.files ?? [], after?.files ?? [], ({ fd, path }) => `${fd} ${path}`).map((pair) => ({
    change: pair.change,
    fd: (pair.before ?? pair.after)?.fd ?? "",
    before: pair.before?.path ?? "",
    after: pair.after?.path ?? "",
  }))
  const environment = listDiff(before?.environment ?? [], after?.environment ?? [], (text) => text).map((pair) => ({
    change: pair.change,
    before: pair.before ?? "",
    after: pair.after ?? "",
  }))
  const isSame =
    different === 0 && [...files, ...environment].every((one) => one.change === "same") && sameWords(before, after)
  return {
    change: change === "same" && !isSame ? ("changed" as const) : change,
    pid,
    name: process?.name ?? "",
    arguments: (after ?? before)?.arguments ?? [],
    memory: { before: before?.memoryBytes ?? 0, after: after?.memoryBytes ?? 0, different },
    files: files.filter((one) => unchanged || one.change !== "same"),
    environment: environment.filter((one) => unchanged || one.change !== "same"),
  }
})

const sameWords = (before: CheckpointedProcess | undefined, after: CheckpointedProcess | undefined): boolean =>
  before?.arguments.join("\0") === after?.arguments.join("\0")

const blockBytes = 1 << 20

/** Pages that are not the same, or that only one of them has. */
const differentBytes = (before: ProcessMemory, after: ProcessMemory): number => {
  let pages = 0
  for (const { address, content } of before.blocks(blockBytes)) {
    const other = after.read(address, content.length)
    for (let at = 0; at < content.length; at += pageBytes) {
      const page = content.subarray(at, at + pageBytes)
      const there = at < other.length ? other.subarray(at, at + pageBytes) : after.read(address + BigInt(at), pageBytes)
      if (Buffer.compare(page, there) !== 0) pages++
    }
  }
  for (const address of after.addresses()) if (!before.has(address)) pages++
  return pages * pageBytes
}
