/**
 * Checkpoints as things to be looked at, near or far: what is in them, what differs, whether they would thaw here.
 *
 * Nothing here changes anything: images and containers are read, an archive is read once.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { CheckpointViewFailure } from "./failures/index.ts"
import type { ArchiveSource } from "./ImageEngine.ts"
import type { CheckpointOptions } from "./options/CheckpointOptions.ts"
import type { RestoreOptions } from "./options/RestoreOptions.ts"
import type { CheckpointCheck } from "./reports/CheckpointCheck.ts"
import type { CheckpointPlan } from "./reports/CheckpointPlan.ts"
import type { CheckpointDiff, CheckpointInspect, CheckpointSummary, MemoryFinding } from "./reports/CheckpointViews.ts"

/** A container that has been checkpointed, or else an image, by its name; or an archive. */
export type CheckpointSource =
  | { readonly _tag: "Named"; readonly ref: string }
  | { readonly _tag: "Archive"; readonly archive: ArchiveSource }

export interface MemorySearch {
  /** Every process when it is absent. */
  readonly pid?: number
  readonly pattern: { readonly _tag: "Text" | "Expression"; readonly pattern: string }
  /** Bytes on either side of a match. */
  readonly contextBytes: number
}

/** Bytes of a process at an address. */
export interface MemoryPiece {
  readonly address: bigint
  readonly content: Uint8Array
}

export interface CheckpointEngineShape {
  /** Everything that can be told of a checkpoint but the content of its memory; the environment only when asked for. */
  readonly inspect: (
    source: CheckpointSource,
    options: { readonly environment: boolean },
  ) => Effect.Effect<CheckpointInspect, CheckpointViewFailure>

  /** Checkpoints of containers and images of the store, and the archives that directories on the engine's host have. */
  readonly list: (
    directories: ReadonlyArray<string>,
  ) => Effect.Effect<ReadonlyArray<CheckpointSummary>, CheckpointViewFailure>

  /**
   * Whether a checkpoint would be restored here with these options: what `restore` asks before it changes anything, all of
   * it, with a finding each. A base image that is not here is not pulled.
   */
  readonly check: (
    source: CheckpointSource,
    options: RestoreOptions,
  ) => Effect.Effect<CheckpointCheck, CheckpointViewFailure>

  /**
   * What a checkpoint of a running container with these options would freeze, and whether it would: what `checkpoint` asks before
   * it freezes anything, and what of the processes CRIU would refuse, as far as it can be seen from outside.
   */
  readonly plan: (ref: string, options: CheckpointOptions) => Effect.Effect<CheckpointPlan, CheckpointViewFailure>

  readonly diff: (
    before: CheckpointSource,
    after: CheckpointSource,
    options: { readonly environment: boolean; readonly unchanged: boolean },
  ) => Effect.Effect<CheckpointDiff, CheckpointViewFailure>

  /** Every match in the order of processes and addresses, as it is found. */
  readonly search: (
    source: CheckpointSource,
    options: MemorySearch,
  ) => Stream.Stream<MemoryFinding, CheckpointViewFailure>

  /** The memory of a process in the order of addresses. */
  readonly memory: (
    source: CheckpointSource,
    options: { readonly pid: number },
  ) => Stream.Stream<MemoryPiece, CheckpointViewFailure>
}

export class CheckpointEngine extends Context.Service<CheckpointEngine, CheckpointEngineShape>()(
  "@cryopod/entities/CheckpointEngine",
) {}
