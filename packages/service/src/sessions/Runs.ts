/**
 * Runs of containers that were begun here.
 *
 * `podman --remote run` connects to a container before it starts it, and asks for the exit code of one that may have removed
 * itself by then. So those who are connected are told when a run begins, and exit codes are kept for a while.
 */
import {
  type ContainerEngine,
  type ContainerFailure,
  ContainerNotFound,
  OptionInvalid,
  Selection,
} from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Deferred from "effect/Deferred"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { goDuration } from "../goDuration.ts"
import { single } from "../single.ts"

export interface WaitQuery {
  /** States to wait for; its end without one. */
  readonly conditions: ReadonlyArray<string>
  /** Time between two looks, as Go writes durations. */
  readonly interval: string | undefined
}

export interface Runs {
  /** Tell that a run of this container, by its full id, has begun. */
  readonly began: (id: string) => Effect.Effect<void>
  /** From now on, the next run of this container: the inner effect is done when it begins. */
  readonly next: (id: string) => Effect.Effect<Effect.Effect<void>, never, Scope.Scope>
  /** Exit code of a container's present run, or of one that removed itself; -1 for states that are no end. */
  readonly wait: (name: string, query: WaitQuery) => Effect.Effect<number, ContainerFailure>
}

/** Runs whose exit codes are kept; the oldest are forgotten first. */
const keptCodes = 1024

/** How often the end of a run is looked for: a container that removes itself is gone soon after. */
const watchMillis = 25

const ends = new Set(["exited", "stopped"])
const states = new Set([
  "created",
  "configured",
  "initialized",
  "running",
  "paused",
  "exited",
  "stopped",
  "stopping",
  "removing",
  "unknown",
  "healthy",
  "unhealthy",
])

export const makeRuns = (engine: ContainerEngine["Service"]): Effect.Effect<Runs, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const awaited = new Map<string, Set<Deferred.Deferred<void>>>()
    const codes = new Map<string, number>()

    const remember = (id: string, code: number) =>
      Effect.sync(() => {
        codes.delete(id)
        codes.set(id, code)
        for (const oldest of codes.keys()) {
          if (codes.size <= keptCodes) break
          codes.delete(oldest)
        }
      })

    const endOf = (id: string, intervalMillis: number) =>
      engine.wait(Selection.names(id), { ignore: false, intervalMillis }).pipe(
        Effect.flatMap(single),
        Effect.map((code) => code ?? 0),
      )

    return {
      began: (id) =>
        Effect.gen(function* () {
          codes.delete(id)
          yield* endOf(id, watchMillis).pipe(
            Effect.flatMap((code) => remember(id, code)),
            Effect.ignore,
            Effect.forkIn(scope),
          )
          const waiting = awaited.get(id) ?? []
          awaited.delete(id)
          for (const one of waiting) yield* Deferred.succeed(one, undefined)
        }),
      next: (id) =>
        Effect.map(
          Effect.acquireRelease(
            Effect.map(Deferred.make<void>(), (beginning) => {
              awaited.set(id, (awaited.get(id) ?? new Set()).add(beginning))
              return beginning
            }),
            (beginning) =>
              Effect.sync(() => {
                const waiting = awaited.get(id)
                waiting?.delete(beginning)
                if (waiting?.size === 0) awaited.delete(id)
              }),
          ),
          (beginning) => Deferred.await(beginning),
        ),
      wait: (name, { conditions, interval }) =>
        Effect.gen(function* () {
          const unknown = conditions.find((condition) => !states.has(condition))
          if (unknown !== undefined)
            return yield* new OptionInvalid({
              option: "condition",
              value: unknown,
              problem: "not a state of a container",
            })
          const millis = interval === undefined ? 250 : goDuration(interval)
          if (millis === undefined)
            return yield* new OptionInvalid({ option: "interval", value: interval ?? "", problem: "not a duration" })
          if (conditions.every((condition) => ends.has(condition)))
            return yield* endOf(name, millis).pipe(
              Effect.catchIf(
                (failure) => failure instanceof ContainerNotFound && codes.has(name),
                () => Effect.succeed(codes.get(name) ?? 0),
              ),
            )
          return yield* engine.inspect(name).pipe(
            Effect.map(({ State: state }) => state),
            Effect.repeat({
              until: ({ Status: status }) => conditions.includes(status),
              schedule: Schedule.spaced(`${millis} millis`),
            }),
            Effect.map(({ ExitCode: code, Status: status }) => (ends.has(status) ? code : -1)),
          )
        }),
    }
  })
