/** Where a checkpoint goes beside its container, made ready while that still runs undisturbed. */
import {
  type ArchiveCompression,
  type CheckpointTarget,
  newName,
  type ReferenceInvalid,
  type StorageFailed,
} from "@cryopod/entities"
import { Layout, makeDirectory, openDestination, type Output, removeTree, temporaryArea } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** What a checkpoint that leaves its container needs: a directory for the members that are made for it. */
export interface Leaving {
  readonly area: string
  readonly ignoreRootfs: boolean
  readonly ignoreVolumes: boolean
}

export type Sink =
  | { readonly _tag: "Container" }
  | (Leaving & {
      readonly _tag: "Image"
      /** Full name. */
      readonly name: string
    })
  | (Leaving & {
      readonly _tag: "Archive"
      readonly output: Output
      readonly compression: ArchiveCompression
    })

/** What cannot be written to is found out here, before the freeze. */
export const openSink = Effect.fn("checkpoint.openSink")(function* (
  target: CheckpointTarget,
): Effect.fn.Return<Sink, ReferenceInvalid | StorageFailed, Layout | Scope.Scope> {
  const layout = yield* Layout
  switch (target._tag) {
    case "Container":
      return { _tag: "Container" }
    case "Image": {
      const name = yield* Effect.fromResult(newName(target.name))
      yield* makeDirectory(layout.layers)
      const area = yield* temporaryArea(layout.temporary)
      return { _tag: "Image", name, area, ignoreRootfs: false, ignoreVolumes: false }
    }
    case "Archive": {
      const { compression, ignoreRootfs, ignoreVolumes } = target
      const output = yield* openDestination(target.destination)
      const area = yield* temporaryArea(layout.temporary)
      return { _tag: "Archive", output, compression, area, ignoreRootfs, ignoreVolumes }
    }
  }
})

/** Give up what is half made: it may be what filled the disk. */
export const discardSink = Effect.fnUntraced(function* (sink: Sink): Effect.fn.Return<void> {
  if (sink._tag === "Archive") yield* sink.output.discard
  if (sink._tag !== "Container") yield* Effect.ignore(removeTree(sink.area))
})
