/** The memory of processes in a checkpoint: all of one, or where something is found. Never more than a block at a time. */
import { type MemoryPattern, searchMemory } from "@cryopod/criu"
import {
  type CheckpointSource,
  type CheckpointViewFailure,
  type MemoryFinding,
  type MemoryPiece,
  type MemorySearch,
  OptionInvalid,
  ProcessNotFound,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AllServices } from "../EngineServices.ts"
import { dumpFailure, readDump } from "./DumpFiles.ts"
import { hexadecimal } from "./mappings.ts"
import { openView, type View } from "./openView.ts"

const blockBytes = 1 << 20

export const searchCheckpoint = (
  source: CheckpointSource,
  { contextBytes, pattern, pid }: MemorySearch,
): Stream.Stream<MemoryFinding, CheckpointViewFailure, AllServices> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const wanted = yield* patternOf(pattern)
      const view = yield* openView(source, "all")
      const pids = pid === undefined ? yield* pidsOf(view) : [yield* known(view, pid)]
      return streamed(view, function* () {
        for (const one of pids) {
          for (const found of searchMemory(view.dump.memory(one).blocks(blockBytes), wanted, contextBytes)) {
            yield {
              pid: one,
              address: hexadecimal(found.address),
              match: Buffer.from(found.match).toString("hex"),
              context: Buffer.from(found.context.content).toString("hex"),
              contextAddress: hexadecimal(found.context.address),
            }
          }
          view.dump.close()
        }
      })
    }),
  )

export const readCheckpointMemory = (
  source: CheckpointSource,
  { pid }: { readonly pid: number },
): Stream.Stream<MemoryPiece, CheckpointViewFailure, AllServices> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const view = yield* openView(source, "all")
      const one = yield* known(view, pid)
      return streamed(view, () => view.dump.memory(one).blocks(blockBytes))
    }),
  )

const streamed = <A>(view: View, items: () => Iterable<A>): Stream.Stream<A, CheckpointViewFailure> =>
  Stream.fromAsyncIterable(asynchronous(items), (cause) => dumpFailure(view.source, view.dump, cause)).pipe(
    Stream.rechunk(1),
  )

/** One at a time, and only when it is asked for. */
async function* asynchronous<A>(items: () => Iterable<A>): AsyncGenerator<A, void, void> {
  for (const item of items()) yield item
}

const patternOf = ({ _tag, pattern }: MemorySearch["pattern"]): Effect.Effect<MemoryPattern, OptionInvalid> =>
  Effect.try({
    try: () => (_tag === "Text" ? pattern : new RegExp(pattern, "gs")),
    catch: (cause) => new OptionInvalid({ option: "search-regex", value: pattern, problem: (cause as Error).message }),
  })

const pidsOf = ({ dump, source }: View) =>
  readDump(source, dump, () => [...dump.entries("pstree.img", "pstree")].map(({ pid }) => pid))

const known = Effect.fnUntraced(function* (view: View, pid: number) {
  if ((yield* pidsOf(view)).includes(pid)) return pid
  return yield* new ProcessNotFound({ source: view.source, pid })
})
