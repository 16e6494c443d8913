/**
 * `container restore`, as a whole. Each input is looked up by itself and goes its own way:
 *
 *   container:  preflight → mount → replay memory files → run → settle
 *   image:      open → preflight → record → stage → replay files → run → settle
 *   archive:    open → as an image
 *
 * Nothing is shared between inputs; one that fails leaves nothing behind, and the others go on.
 */
import {
  type HostFailure,
  type Items,
  newContainerRule,
  type NoContainers,
  OptionConflict,
  type RestoreFailure,
  type RestoreOptions,
  type RestoreReport,
  type RestoreSource,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import { within } from "../container/ContainerScope.ts"
import { eachSelected, select } from "../container/select.ts"
import type { AllServices } from "../EngineServices.ts"
import { requireRoot } from "../system/privilege.ts"
import { Probes } from "../system/Probes.ts"
import { containerNamed, imageNamed } from "./named.ts"
import { openArchive } from "./openArchive.ts"
import { openImage } from "./openImage.ts"
import { restoreContainer } from "./restoreContainer.ts"
import { restoreNew } from "./restoreNew.ts"

export const restore = Effect.fn("ContainerEngine.restore")(function* (
  source: RestoreSource,
  options: RestoreOptions,
): Effect.fn.Return<Items<RestoreReport, RestoreFailure>, HostFailure | NoContainers, AllServices> {
  yield* requireRoot("restore")
  const criu = yield* Effect.result((yield* Probes).criu)
  const inPlace = (id: string) => within(id, (record) => restoreContainer(record, options))
  if (source._tag === "Archive") {
    const restored = Effect.andThen(Effect.fromResult(criu), fromArchive(source, options))
    return [{ input: "", result: yield* Effect.result(restored) }]
  }
  if (source._tag === "Names") {
    return yield* Effect.forEach(source.names, (input) =>
      Effect.fromResult(criu).pipe(
        Effect.andThen(named(input, options, inPlace)),
        Effect.result,
        Effect.map((result) => ({ input, result })),
      ),
    )
  }
  const selected = yield* select(source, ({ state }) => state.status === "exited" && state.checkpointed)
  return yield* eachSelected(selected, ({ id }) => Effect.andThen(Effect.fromResult(criu), inPlace(id)))
})

const fromArchive = (
  { archive, previous }: Extract<RestoreSource, { readonly _tag: "Archive" }>,
  options: RestoreOptions,
) => Effect.scoped(Effect.flatMap(openArchive(archive, previous), (opened) => restoreNew(opened, options)))

const named = Effect.fnUntraced(function* <E, R>(
  input: string,
  options: RestoreOptions,
  inPlace: (id: string) => Effect.Effect<RestoreReport, E, R>,
) {
  const container = yield* containerNamed(input)
  const rule = newContainerRule(options)
  if (container !== undefined && rule !== undefined) return yield* new OptionConflict({ rule })
  if (container !== undefined) return yield* inPlace(container.id)
  const image = yield* imageNamed(input)
  return yield* restoreNew(yield* openImage(image, input), options)
})
