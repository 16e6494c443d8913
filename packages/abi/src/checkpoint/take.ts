/** The files of a container are taken beside its memory where nothing moves, and given up with it when its dump fails. */
import { CheckpointAborted } from "@cryopod/entities"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { AllServices } from "../EngineServices.ts"
import { discardTaken, takeFiles } from "./collect.ts"
import { thaw } from "./freeze.ts"
import type { Plan } from "./preflight.ts"
import { reasonOf } from "./reasonOf.ts"
import { discardSink } from "./sink.ts"

export interface Taking {
  readonly files: ReturnType<typeof takeFiles>
  /** Give it up, if it is not over. */
  readonly end: Effect.Effect<Exit.Exit<unknown, { readonly message: string }>>
}

/**
 * Files of a container that is paused are taken while CRIU takes its memory; of any other, as soon as it stands still. With
 * --link-remap, CRIU puts files of its own among them.
 */
export const beginTaking = Effect.fnUntraced(function* (
  plan: Plan,
  paused: boolean,
): Effect.fn.Return<Taking, never, AllServices | Scope.Scope> {
  if (!paused || plan.options.linkRemap) return { files: takeFiles(plan), end: Effect.succeed(Exit.void) }
  const taking = yield* Effect.forkScoped(takeFiles(plan))
  return {
    // a rescue must find nobody who still writes
    files: Effect.onInterrupt(Fiber.join(taking), () => Fiber.interrupt(taking)),
    end: Effect.andThen(Fiber.interrupt(taking), Fiber.await(taking)),
  }
})

/**
 * After a dump that has failed the container goes on, when the room is free again that its files took: its log needs some.
 * If they have filled the disk, that is what there is to say, whatever CRIU met with.
 */
export const letGo = Effect.fnUntraced(function* <E>(
  plan: Plan,
  { end }: Taking,
  cause: Cause.Cause<E>,
): Effect.fn.Return<never, E | CheckpointAborted, AllServices> {
  const taken = yield* end
  yield* discardTaken(plan)
  yield* discardSink(plan.sink)
  yield* thaw(plan)
  if (Exit.isSuccess(taken) || Cause.hasInterruptsOnly(taken.cause)) return yield* Effect.failCause(cause)
  const reason = reasonOf(taken.cause)
  return yield* new CheckpointAborted({ id: plan.record.id, step: "collect", reason, container: "running" })
})
