/** Pods, near or far: the interface that the local engine and the tunnel both implement. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { HostFailure, NoPods, PodFailure } from "./failures/index.ts"
import type { Items } from "./Item.ts"
import type { PodCreateOptions, PodListFlags } from "./options/PodOptions.ts"
import type { PodInspect, PodReport, PodSummary } from "./reports/PodReports.ts"
import type { ContainerSelection } from "./Selection.ts"

/** Pods by name or id, in the caller's order; all of them; or the one created last. */
export type PodSelection = ContainerSelection

/** One item per pod. A pod of which some containers failed is a failure that names each. */
type PodItems = Effect.Effect<Items<PodReport, PodFailure>, HostFailure | NoPods>

export interface PodEngineShape {
  /** Make a pod with its infra container; nothing is started. Succeeds with the full id once it is durable. */
  readonly create: (options: PodCreateOptions) => Effect.Effect<{ readonly id: string }, PodFailure>
  /** The one created last first. */
  readonly list: (flags: PodListFlags) => Effect.Effect<ReadonlyArray<PodSummary>, PodFailure>
  readonly inspect: (ref: string) => Effect.Effect<PodInspect, PodFailure>
  readonly exists: (ref: string) => Effect.Effect<boolean, HostFailure>
  readonly latest: Effect.Effect<string, HostFailure | NoPods>
  /** Start the containers that do not run. */
  readonly start: (selection: PodSelection) => PodItems
  /** Stop the containers that run, the infra container last; below zero each has its own timeout. */
  readonly stop: (
    selection: PodSelection,
    options: { readonly timeSeconds: number; readonly ignore: boolean },
  ) => PodItems
  /** Stop those that run, each with its own timeout, and start all. */
  readonly restart: (selection: PodSelection) => PodItems
  /** Send a signal to every container that runs. */
  readonly kill: (selection: PodSelection, options: { readonly signal: string }) => PodItems
  readonly pause: (selection: PodSelection) => PodItems
  /** Of pods that are neither paused nor degraded there is no item. */
  readonly unpause: (selection: PodSelection) => PodItems
  /**
   * Remove pods with all their containers. Without `force` a pod is refused, as a whole, while any of its containers but
   * the infra container runs.
   */
  readonly remove: (
    selection: PodSelection,
    options: { readonly force: boolean; readonly ignore: boolean; readonly timeSeconds: number },
  ) => PodItems
  /** Remove the pods that have run and run no more. */
  readonly prune: Effect.Effect<Items<PodReport, PodFailure>, HostFailure>
  /** Rows of ps(1) for the processes of all containers that run, the header first; no rows when none runs. */
  readonly top: (
    ref: string,
    descriptors: ReadonlyArray<string>,
  ) => Effect.Effect<ReadonlyArray<ReadonlyArray<string>>, PodFailure>
}

export class PodEngine extends Context.Service<PodEngine, PodEngineShape>()("@cryopod/entities/PodEngine") {}
