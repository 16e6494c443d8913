/** What cases work with: an image to run, a place for archives, and short words for what they do all the time. */
import { expect } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { ContainerEngine, type AttachStreams, type ExecOptions } from "../../ContainerEngine.ts"
import { ImageEngine } from "../../ImageEngine.ts"
import type { Items } from "../../Item.ts"
import { CreateFlags, type CreateOptions } from "../../options/CreateOptions.ts"
import { ExecFlags } from "../../options/ContainerOptions.ts"
import { Selection } from "../../Selection.ts"
import { optionValues } from "../../Option.ts"

export interface BenchShape {
  /** Image with `sh`, some of busybox's programs, `count` and `hold`. */
  readonly image: string
  /** A directory of the caller's host, for archives; empty at first. */
  readonly directory: string
  /** A registry that speaks plain HTTP, as `host:port`. */
  readonly registry: string
  /** A registry that speaks plain HTTP and wants this login. */
  readonly guarded: { readonly registry: string; readonly login: string }
}

export class Bench extends Context.Service<Bench, BenchShape>()("@cryopod/entities/testing/Bench") {}

let made = 0
/** A name nobody else has. */
export const unique = (prefix: string): string => `${prefix}-${process.pid}-${++made}`

const defaults = optionValues(CreateFlags)

export const createOptions = Effect.fnUntraced(function* (options: Partial<CreateOptions>) {
  const { image } = yield* Bench
  return { ...defaults, image, command: ["count"], ...options } satisfies CreateOptions
})

/** A container that goes with the case, whatever became of it. */
export const created = (options: Partial<CreateOptions> = {}) =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      return (yield* (yield* ContainerEngine).create(yield* createOptions(options))).id
    }),
    (id) => discard(id),
  )

export const running = Effect.fnUntraced(function* (options: Partial<CreateOptions> = {}) {
  const id = yield* created(options)
  expect(one(yield* (yield* ContainerEngine).start(Selection.names(id)))).toBe(id)
  return id
})

/** Remove whatever has this name, now or at the end of the case. */
export const discard = (...refs: readonly [string, ...Array<string>]) =>
  Effect.flatMap(ContainerEngine, (engine) =>
    engine.remove(Selection.names(...refs), { force: true, ignore: true, timeSeconds: 0 }),
  ).pipe(Effect.orDie)

export const discardLater = (...refs: readonly [string, ...Array<string>]) =>
  Effect.addFinalizer(() => discard(...refs))

/** Remove an image at the end of the case, if it is there. */
export const discardImageLater = (...refs: ReadonlyArray<string>) =>
  Effect.addFinalizer(() =>
    Effect.flatMap(ImageEngine, (engine) => engine.remove(refs, { all: false, force: true, ignore: true })).pipe(
      Effect.orDie,
    ),
  )

/** The report of the only item, which must be a success. */
export const one = <A, E>(items: Items<A, E>): A => {
  const [item, ...others] = items
  expect(others).toEqual([])
  if (item === undefined) throw new Error("there is no item")
  return Result.getOrThrow(item.result)
}

/** The failure of the only item. */
export const refusal = <A, E>(items: Items<A, E>): E => {
  expect(items).toHaveLength(1)
  const [item] = items
  if (item === undefined || Result.isSuccess(item.result))
    throw new Error(`${item?.input ?? "nothing"} was not refused`)
  return item.result.failure
}

/** The failure of what must not succeed. */
export const failureOf = <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<E, never, R> =>
  Effect.flip(work).pipe(Effect.catch(() => Effect.die(new Error("nothing was refused"))))

/** Ask again until it holds; a case never sleeps for a guess. */
export const eventually = <A, E, R>(what: string, ask: Effect.Effect<A | undefined, E, R>): Effect.Effect<A, E, R> =>
  ask.pipe(
    Effect.repeat({ while: (answer) => answer === undefined, schedule: Schedule.spaced("30 millis") }),
    Effect.timeoutOrElse({
      duration: "30 seconds",
      orElse: () => Effect.die(new Error(`waited 30 s for ${what}`)),
    }),
    Effect.map((answer) => answer as A),
  )

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** Everything a container said so far, or its last lines. */
export const said = Effect.fnUntraced(function* (ref: string, tail = -1) {
  const engine = yield* ContainerEngine
  const lines = yield* Stream.runCollect(engine.logs(ref, { follow: false, tail }))
  return lines.map(({ content }) => text(content)).join("")
})

export const numbers = Effect.fnUntraced(function* (ref: string) {
  return (yield* said(ref)).trimEnd().split("\n").map(Number)
})

/** The number a counter said last, once it is beyond another one. */
export const beyond = (ref: string, number: number) =>
  eventually(
    `${ref} to count beyond ${number}`,
    Effect.map(said(ref, 1), (line) => (line !== "" && Number(line) > number ? Number(line) : undefined)),
  )

export const statusOf = (ref: string) =>
  Effect.flatMap(ContainerEngine, (engine) => Effect.map(engine.inspect(ref), ({ State }) => State.Status))

/** Every number from 0 on, none twice and none left out. */
export const expectNoGap = (counted: ReadonlyArray<number>) => expect(counted).toEqual(counted.map((_, at) => at))

const { detach: _, latest: __, ...execDefaults } = optionValues(ExecFlags)

export interface Heard {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Streams that listen, and say these texts one after the other. */
export const listening = (...input: ReadonlyArray<string>) => {
  const heard = { stdout: "", stderr: "" }
  const streams: AttachStreams = {
    output: (stream, content) => Effect.sync(() => void (heard[stream] += text(content))),
    ...(input.length === 0 ? {} : { input: Stream.fromIterable(input.map((line) => new TextEncoder().encode(line))) }),
  }
  return { heard, streams }
}

/** Run a script in a container, and hear it. */
export const inside = Effect.fnUntraced(function* (
  ref: string,
  script: string,
  { input = [], ...options }: Partial<ExecOptions> & { readonly input?: ReadonlyArray<string> } = {},
) {
  const { heard, streams } = listening(...input)
  const engine = yield* ContainerEngine
  const wanted = { ...execDefaults, command: ["sh", "-c", script] as const, ...options }
  const code = yield* engine.exec(ref, { ...wanted, command: [...wanted.command] }, streams)
  return { code, ...heard } satisfies Heard
})
