/**
 * Everything that can be refused while the container still runs undisturbed: its state, the options, the target's name,
 * a writable store, space for what is about to be written.
 */
import {
  AutoRemoveRefused,
  type CheckpointOptions,
  ContainerStateImproper,
  type HostFailure,
  type ReferenceInvalid,
  SpaceMissing,
} from "@cryopod/entities"
import { availableBytes, type ContainerPaths, Layout, makeDirectory, temporaryArea } from "@cryopod/host"
import { newName } from "@cryopod/images"
import {
  cgroupRoot,
  cgroupsOf,
  cgroupsPath,
  type CgroupTreatment,
  type ContainerRecord,
  hasOwnCgroups,
  treeResidentBytes,
} from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** A checkpoint that nothing stands in the way of, as far as one can see. */
export interface Plan {
  readonly record: ContainerRecord
  readonly options: CheckpointOptions
  readonly paths: ContainerPaths
  readonly cgroups: CgroupTreatment
  /** Where the checkpoint becomes an image: its full name, and the directory in which its files are put together. */
  readonly image?: { readonly name: string; readonly area: string }
}

/** What a dump needs besides the memory itself, generously. */
const overheadBytes = 16 * 2 ** 20

export const preflight = Effect.fn("checkpoint.preflight")(function* (
  record: ContainerRecord,
  options: CheckpointOptions,
): Effect.fn.Return<
  Plan,
  ContainerStateImproper | AutoRemoveRefused | ReferenceInvalid | HostFailure,
  Layout | Scope.Scope
> {
  const { config, id, state } = record
  if (state.status !== "running") {
    return yield* new ContainerStateImproper({ id, state: state.status, operation: "checkpoint" })
  }
  if (config.autoRemove && options.target._tag === "Container") return yield* new AutoRemoveRefused({ id })

  const layout = yield* Layout
  const image =
    options.target._tag === "Image"
      ? {
          name: yield* Effect.fromResult(newName(options.target.name)),
          // made now: a store that cannot be written to is found out before the freeze
          area: yield* temporaryArea(layout.temporary),
        }
      : undefined
  yield* makeDirectory(layout.layers)
  const neededBytes = treeResidentBytes(state.pid) + overheadBytes
  const available = yield* availableBytes(layout.root)
  if (neededBytes > available) {
    return yield* new SpaceMissing({ path: layout.root, neededBytes, availableBytes: available })
  }
  const cgroups = hasOwnCgroups(cgroupsOf(state.pid), cgroupsPath(id), cgroupRoot()) ? "manage" : "ignore"
  return { record, options, paths: layout.container(id), cgroups, ...(image === undefined ? {} : { image }) }
})
