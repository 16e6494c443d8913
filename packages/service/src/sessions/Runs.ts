/**
 * Runs of containers that are begun here.
 *
 * `podman --remote run` connects to a container before it starts it. So whoever is connected is given to the engine with the
 * start, and hears the run from its first word: of a container that removes itself there may be nothing left a moment later.
 */
import {
  type AttachStreams,
  type ContainerEngine,
  type ContainerFailure,
  type CreateFailure,
  OptionInvalid,
  Selection,
} from "@cryopod/entities"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { goDuration } from "../goDuration.ts"
import { single } from "../single.ts"

export interface WaitQuery {
  /** States to wait for; its end without one. */
  readonly conditions: ReadonlyArray<string>
  /** Time between two looks, as Go writes durations. */
  readonly interval: string | undefined
}

/** Somebody who listens for the next run of a container, until the scope closes. */
export interface Listener {
  /** Where the run is to be heard; a start waits for it. */
  readonly hears: (streams: AttachStreams) => Effect.Effect<void>
  /** Done when a run is begun here, with what is done when it has been heard to its end. */
  readonly begun: Effect.Effect<Effect.Effect<void, CreateFailure>>
}

export interface Runs {
  /** Start a container, by its full id. */
  readonly start: (id: string) => Effect.Effect<void, CreateFailure>
  readonly listen: (id: string) => Effect.Effect<Listener, never, Scope.Scope>
  /** Exit code of a container's present run; -1 for states that are no end. */
  readonly wait: (name: string, query: WaitQuery) => Effect.Effect<number, ContainerFailure>
}

/** One listener's side that a start sees. */
interface Listening {
  /** Undefined when it has left. */
  readonly streams: Deferred.Deferred<AttachStreams | undefined>
  readonly begun: Deferred.Deferred<void>
  readonly heard: Deferred.Deferred<void, CreateFailure>
  readonly left: Deferred.Deferred<void>
}

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
    const waiting = new Map<string, Set<Listening>>()

    const join = (id: string, listening: Listening) => waiting.set(id, (waiting.get(id) ?? new Set()).add(listening))
    const leave = (id: string, listening: Listening) => {
      const others = waiting.get(id)
      others?.delete(listening)
      if (others?.size === 0) waiting.delete(id)
    }

    /** Begun with those who are to hear it; done when it runs. */
    const startHeard = Effect.fnUntraced(function* (id: string, listeners: ReadonlyArray<Listening>) {
      const given = yield* Effect.forEach(listeners, ({ streams }) => Deferred.await(streams))
      const begun = yield* Deferred.make<void, CreateFailure>()
      const run = engine.startAttached(
        id,
        together(given.filter((streams) => streams !== undefined)),
        Effect.asVoid(Deferred.succeed(begun, undefined)),
      )
      const nobody = Effect.forEach(listeners, ({ left }) => Deferred.await(left), { discard: true })
      yield* Effect.raceFirst(Effect.asVoid(run), Effect.andThen(Deferred.await(begun), nobody)).pipe(
        Effect.onExit((exit) =>
          Effect.gen(function* () {
            // of a start that fails, the request for it tells
            const failed = yield* Deferred.done(begun, exit)
            for (const { heard } of listeners) yield* Deferred.done(heard, failed ? Exit.void : exit)
          }),
        ),
        Effect.forkIn(scope),
      )
      yield* Deferred.await(begun)
    })

    return {
      start: (id) =>
        Effect.gen(function* () {
          const listeners = [...(waiting.get(id) ?? [])]
          waiting.delete(id)
          if (listeners.length === 0) return yield* Effect.asVoid(single(yield* engine.start(Selection.names(id))))
          for (const { begun } of listeners) yield* Deferred.succeed(begun, undefined)
          yield* startHeard(id, listeners)
        }),
      listen: (id) =>
        Effect.gen(function* () {
          const listening: Listening = {
            streams: yield* Deferred.make<AttachStreams | undefined>(),
            begun: yield* Deferred.make<void>(),
            heard: yield* Deferred.make<void, CreateFailure>(),
            left: yield* Deferred.make<void>(),
          }
          yield* Effect.acquireRelease(
            Effect.sync(() => void join(id, listening)),
            () =>
              Effect.gen(function* () {
                leave(id, listening)
                yield* Deferred.succeed(listening.streams, undefined)
                yield* Deferred.succeed(listening.left, undefined)
              }),
          )
          return {
            hears: (streams) => Effect.asVoid(Deferred.succeed(listening.streams, streams)),
            begun: Effect.as(Deferred.await(listening.begun), Deferred.await(listening.heard)),
          }
        }),
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
          if (conditions.every((condition) => ends.has(condition))) {
            const waited = yield* engine.wait(Selection.names(name), { ignore: false, intervalMillis: millis })
            return (yield* single(waited)) ?? 0
          }
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

/** Everybody hears all of it, what anybody says is heard, and the terminal, of which there is one, has its size. */
const together = (all: ReadonlyArray<AttachStreams>): AttachStreams => {
  const inputs = all.flatMap(({ input }) => (input === undefined ? [] : [input]))
  const resizes = all.find((streams) => streams.resizes !== undefined)?.resizes
  return {
    output: (stream, content) => Effect.forEach(all, ({ output }) => output(stream, content), { discard: true }),
    ...(inputs.length === 0 ? {} : { input: Stream.mergeAll(inputs, { concurrency: "unbounded" }) }),
    ...(resizes === undefined ? {} : { resizes }),
  }
}
