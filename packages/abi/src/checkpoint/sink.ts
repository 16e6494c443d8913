/** Where a checkpoint goes beside its container, made ready while that still runs undisturbed. */
import {
  type CheckpointTarget,
  type DatabaseFailed,
  newName,
  OptionInvalid,
  type ReferenceInvalid,
  type StorageFailed,
} from "@cryopod/entities"
import { Layout, makeDirectory, temporaryArea } from "@cryopod/host"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** What a checkpoint that leaves its container needs: a directory for the members that are made for it. */
export interface Leaving {
  readonly area: string
}

export type Sink =
  | { readonly _tag: "Container" }
  | (Leaving & {
      readonly _tag: "Image"
      /** Full name. */
      readonly name: string
    })

/** What cannot be written to is found out here, before the freeze. */
export const openSink = Effect.fn("checkpoint.openSink")(function* (
  target: CheckpointTarget,
): Effect.fn.Return<Sink, OptionInvalid | ReferenceInvalid | StorageFailed | DatabaseFailed, Layout | Scope.Scope> {
  const layout = yield* Layout
  switch (target._tag) {
    case "Container":
      return { _tag: "Container" }
    case "Image": {
      const name = yield* Effect.fromResult(newName(target.name))
      yield* makeDirectory(layout.layers)
      return { _tag: "Image", name, area: yield* temporaryArea(layout.temporary) }
    }
    case "Archive":
      return yield* new OptionInvalid({ option: "export", value: "", problem: "archives cannot be written yet" })
  }
})
