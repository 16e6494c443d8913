/** A program that runs: it takes steps, says things, sleeps, and can be stopped between any two steps. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { type Machine, parseScript, type Program, runStatement, type Statement } from "./Shell.ts"

export interface ProcessStreams {
  readonly output: (stream: "stdout" | "stderr", text: string) => Effect.Effect<void>
  /** Absent when the program finds its standard input at an end. */
  readonly input?: Queue.Dequeue<Uint8Array, Cause.Done>
}

export interface Process {
  /** The program as it is now. */
  readonly program: () => Program
  /** Status, once it has ended. */
  readonly exit: Deferred.Deferred<number>
  /** Closed while the program is paused. */
  readonly gate: Latch.Latch
  /** Between two steps: whoever holds it finds the program at rest. */
  readonly steps: Semaphore.Semaphore
  readonly signal: (number: number) => Effect.Effect<void>
}

const stepMillis = 20
const sigkill = 9
const sigterm = 15
const sighup = 1

/** Status of a counter that was asked to end. */
export const askedToEnd = 7

/** Let a program run until the scope is closed; `first` has no default action for signals, as process 1 of a container. */
export const startProcess = (
  program: Program,
  machine: Machine,
  { first, streams }: { readonly first: boolean; readonly streams: ProcessStreams },
): Effect.Effect<Process, never, Scope.Scope> =>
  Effect.gen(function* () {
    let now = program
    const exit = yield* Deferred.make<number>()
    const gate = yield* Latch.make(true)
    const steps = yield* Semaphore.make(1)
    const end = (status: number) => Deferred.succeed(exit, status)

    const say = (stdout: string, stderr: string) =>
      Effect.all([
        stdout === "" ? Effect.void : streams.output("stdout", stdout),
        stderr === "" ? Effect.void : streams.output("stderr", stderr),
      ])

    const perform = (next: Statement, rest: ReadonlyArray<Statement>) =>
      Effect.gen(function* () {
        if (next.after !== "always" && (next.after === "success") !== (now.status === 0)) {
          now = { ...now, rest }
          return
        }
        const outcome = runStatement(next, now.status, machine)
        yield* say(outcome.stdout, outcome.stderr)
        now = {
          ...now,
          rest,
          status: outcome.status,
          locks: outcome.locks ?? now.locks,
          connected: outcome.connected ?? now.connected,
          ...(outcome.activity === undefined ? {} : { activity: outcome.activity }),
        }
        if (outcome.exits === true) yield* end(outcome.status)
      })

    /** Input is awaited outside of a step, so that a program that waits for it can be frozen. */
    const awaitInput = Effect.gen(function* () {
      if (streams.input === undefined) return undefined
      return yield* Queue.take(streams.input).pipe(Effect.catchIf(Cause.isDone, () => Effect.succeed(undefined)))
    })

    const read = (bytes: Uint8Array | undefined) =>
      Effect.sync(() => {
        const { line = "", ...shell } = now
        if (bytes === undefined) {
          now = { ...shell, rest: parseScript(line) }
          return
        }
        const lines = (line + new TextDecoder().decode(bytes)).split("\n")
        now = { ...shell, line: lines.pop() ?? "", rest: parseScript(lines.join("\n")) }
      })

    const copy = (bytes: Uint8Array | undefined) => {
      if (bytes !== undefined) return say(new TextDecoder().decode(bytes), "")
      const { activity: _, ...idle } = now
      return Effect.sync(() => void (now = idle))
    }

    const whole = steps.withPermits(1)
    const step = Effect.suspend((): Effect.Effect<unknown> => {
      const { activity, line, rest } = now
      const [next, ...others] = rest
      switch (activity?._tag) {
        case undefined:
          if (next !== undefined) return Effect.andThen(whole(perform(next, others)), Effect.yieldNow)
          return line === undefined ? end(now.status) : Effect.flatMap(awaitInput, (bytes) => whole(read(bytes)))
        case "Copying":
          return Effect.flatMap(awaitInput, (bytes) => whole(copy(bytes)))
        case "Counting":
          return Effect.andThen(
            whole(
              Effect.suspend(() => {
                now = { ...now, activity: { _tag: "Counting", next: activity.next + 1 } }
                return say(`${activity.next}\n`, "")
              }),
            ),
            Effect.sleep(stepMillis),
          )
        case "Sleeping":
          return Effect.andThen(
            Effect.sleep(Math.min(activity.millis, stepMillis)),
            whole(
              Effect.sync(() => {
                const millis = activity.millis - stepMillis
                const { activity: _, ...idle } = now
                now = millis > 0 ? { ...now, activity: { _tag: "Sleeping", millis } } : idle
              }),
            ),
          )
      }
    })

    const run = Effect.gen(function* () {
      while (!Deferred.isDoneUnsafe(exit)) {
        yield* gate.await
        yield* step
      }
    })
    yield* Effect.forkScoped(run)
    yield* Effect.addFinalizer(() => end(128 + sigkill))

    const signal = (number: number) =>
      Effect.gen(function* () {
        const counts = now.activity?._tag === "Counting"
        if (number === sigkill) yield* end(128 + sigkill)
        else if (counts && number === sigterm) yield* end(askedToEnd)
        else if (counts && number === sighup) yield* say("hup\n", "")
        else if (!first && number !== sighup) yield* end(128 + number)
      })
    return { program: () => now, exit, gate, steps, signal }
  })
