/** Names on a command line: while one of several leads nowhere, nothing is done to the others, as Podman has it. */
import { ContainerEngine, PodEngine } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import type { CommandFailure } from "./Handler.ts"

interface Missing {
  /** One that is not there is left out. */
  readonly ignore: boolean
}

/** Fails as the engine does for the first name of no container. */
export const requireContainers = Effect.fnUntraced(function* (
  names: ReadonlyArray<string>,
  { ignore }: Missing = { ignore: false },
): Effect.fn.Return<void, CommandFailure, ContainerEngine> {
  const engine = yield* ContainerEngine
  for (const name of names) {
    if (yield* engine.exists(name)) continue
    const told = Effect.asVoid(engine.inspect(name))
    yield* ignore && name !== "" ? Effect.catchTag(told, "ContainerNotFound", () => Effect.void) : told
  }
})

/** The same for pods. */
export const requirePods = Effect.fnUntraced(function* (
  names: ReadonlyArray<string>,
  { ignore }: Missing = { ignore: false },
): Effect.fn.Return<void, CommandFailure, PodEngine> {
  const engine = yield* PodEngine
  for (const name of names) {
    if (yield* engine.exists(name)) continue
    const told = Effect.asVoid(engine.inspect(name))
    yield* ignore && name !== "" ? Effect.catchTag(told, "PodNotFound", () => Effect.void) : told
  }
})
