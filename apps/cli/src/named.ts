/** Names on a command line: while one of several leads nowhere, nothing is done to the others, as Podman has it. */
import { ContainerEngine, PodEngine } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import type { CommandFailure } from "./Handler.ts"

interface Missing {
  /** One that is not there is left out. */
  readonly ignore: boolean
}

interface Named {
  readonly exists: (name: string) => Effect.Effect<boolean, CommandFailure>
  readonly inspect: (name: string) => Effect.Effect<unknown, CommandFailure>
}

/** Fails as the engine does for the first name of nothing. */
const requireAll = Effect.fnUntraced(function* (
  { exists, inspect }: Named,
  names: ReadonlyArray<string>,
  { ignore }: Missing = { ignore: false },
) {
  for (const name of names) {
    if (yield* exists(name)) continue
    yield* Effect.catchIf(
      inspect(name),
      ({ _tag }) => ignore && name !== "" && missingTags.has(_tag),
      () => Effect.void,
    )
  }
})

const missingTags = new Set(["ContainerNotFound", "PodNotFound"])

export const requireContainers = (names: ReadonlyArray<string>, missing?: Missing) =>
  ContainerEngine.use((engine) => requireAll(engine, names, missing))

export const requirePods = (names: ReadonlyArray<string>, missing?: Missing) =>
  PodEngine.use((engine) => requireAll(engine, names, missing))
