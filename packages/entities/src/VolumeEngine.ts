/** Volumes, near or far: the interface that the local engine and the tunnel both implement. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { ContainerFailure, HostFailure, VolumeFailure } from "./failures/index.ts"
import type { Items } from "./Item.ts"
import type { VolumeCreateOptions, VolumeListFlags, VolumePruneFlags } from "./options/VolumeOptions.ts"
import type { VolumeInspect } from "./reports/VolumeReports.ts"

/** Removing by force removes the containers that use a volume, which can fail as any removal can. */
export type VolumeRemovalFailure = VolumeFailure | ContainerFailure

export interface VolumeEngineShape {
  /**
   * Make an empty volume. Succeeds with its name once it is durable; of two that make the same volume at once, one
   * succeeds. With `ignore`, one that exists is a success that changes nothing.
   */
  readonly create: (options: VolumeCreateOptions) => Effect.Effect<string, VolumeFailure>
  /** In the order of their creation. */
  readonly list: (flags: VolumeListFlags) => Effect.Effect<ReadonlyArray<VolumeInspect>, VolumeFailure>
  /** By name, or by an unambiguous beginning of one. */
  readonly inspect: (ref: string) => Effect.Effect<VolumeInspect, VolumeFailure>
  readonly exists: (ref: string) => Effect.Effect<boolean, HostFailure>
  /**
   * Remove volumes with their content. One that containers use is refused, or with `force` goes together with those
   * containers, which get `timeSeconds` to stop. With `force`, one that is not there is no item.
   */
  readonly remove: (
    selection: { readonly _tag: "Names"; readonly names: ReadonlyArray<string> } | { readonly _tag: "All" },
    options: { readonly force: boolean; readonly timeSeconds: number },
  ) => Effect.Effect<Items<string, VolumeRemovalFailure>, HostFailure>
  /** Remove the volumes that no container uses. One that a container takes into use meanwhile stays. */
  readonly prune: (flags: VolumePruneFlags) => Effect.Effect<Items<string, VolumeFailure>, VolumeFailure>
}

export class VolumeEngine extends Context.Service<VolumeEngine, VolumeEngineShape>()(
  "@cryopod/entities/VolumeEngine",
) {}
