/**
 * An engine as promises.
 *
 * Every operation is that of the interfaces in `entities`, under its name and with its arguments; what it succeeds with is
 * what the promise is fulfilled with, and it is rejected with the operation's own failure: an error with `_tag`, `message` and
 * the fields to act upon. Operations on several things answer with items, whose failures are values.
 */
import {
  CheckpointEngine,
  ContainerEngine,
  ImageEngine,
  NetworkEngine,
  PodEngine,
  SystemEngine,
  VolumeEngine,
} from "@cryopod/entities"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

type Engines =
  | CheckpointEngine
  | ContainerEngine
  | ImageEngine
  | NetworkEngine
  | PodEngine
  | SystemEngine
  | VolumeEngine

/** The operations of an interface as functions that return promises, or async iterables where they are streams. */
export type Promised<Shape> = {
  readonly [Name in keyof Shape]: Shape[Name] extends Effect.Effect<infer Success, infer _E, infer _R>
    ? () => Promise<Success>
    : Shape[Name] extends (...args: infer Args) => Effect.Effect<infer Success, infer _E, infer _R>
      ? (...args: Args) => Promise<Success>
      : Shape[Name] extends (...args: infer Args) => Stream.Stream<infer Value, infer _E, infer _R>
        ? (...args: Args) => AsyncIterable<Value>
        : never
}

export interface Operations {
  readonly checkpoints: Promised<CheckpointEngine["Service"]>
  readonly containers: Promised<ContainerEngine["Service"]>
  readonly images: Promised<ImageEngine["Service"]>
  readonly networks: Promised<NetworkEngine["Service"]>
  readonly pods: Promised<PodEngine["Service"]>
  readonly system: Promised<SystemEngine["Service"]>
  readonly volumes: Promised<VolumeEngine["Service"]>
}

export interface Engine extends Operations, AsyncDisposable {
  /**
   * The same engine, whose operations are given up when the signal says so: they undo what they have begun, and their
   * promises are rejected.
   */
  readonly until: (signal: AbortSignal) => Operations
  /** Give back what the engine holds; nothing can be asked of it any more. */
  readonly close: () => Promise<void>
}

/** Open `localEngine` of `@cryopod/abi`, `tunnelEngine` of `@cryopod/tunnel`, or any other engine. */
export const openEngine = async <E>(engines: Layer.Layer<Engines, E>): Promise<Engine> => {
  const scope = Scope.makeUnsafe()
  const close = () => Effect.runPromise(Scope.close(scope, Exit.void))
  const context = await Effect.runPromise(
    Layer.buildWithScope(engines, scope).pipe(Effect.onError(() => Scope.close(scope, Exit.void))),
  )
  return {
    ...operations(context, undefined),
    until: (signal) => operations(context, signal),
    close,
    [Symbol.asyncDispose]: close,
  }
}

const operations = (context: Context.Context<Engines>, signal: AbortSignal | undefined): Operations => ({
  checkpoints: promised(Context.get(context, CheckpointEngine), signal),
  containers: promised(Context.get(context, ContainerEngine), signal),
  images: promised(Context.get(context, ImageEngine), signal),
  networks: promised(Context.get(context, NetworkEngine), signal),
  pods: promised(Context.get(context, PodEngine), signal),
  system: promised(Context.get(context, SystemEngine), signal),
  volumes: promised(Context.get(context, VolumeEngine), signal),
})

const promised = <Shape extends object>(shape: Shape, signal: AbortSignal | undefined): Promised<Shape> => {
  const given = (value: unknown): unknown => {
    if (Effect.isEffect(value))
      return Effect.runPromise(value as Effect.Effect<unknown, unknown>, signal === undefined ? {} : { signal })
    const stream = value as Stream.Stream<unknown, unknown>
    return Stream.toAsyncIterable(signal === undefined ? stream : Stream.interruptWhen(stream, aborted(signal)))
  }
  return Object.fromEntries(
    Object.entries(shape).map(([name, operation]: [string, unknown]) => [
      name,
      typeof operation === "function"
        ? (...args: ReadonlyArray<unknown>) =>
            given((operation as (...args: ReadonlyArray<unknown>) => unknown)(...args))
        : () => given(operation),
    ]),
  ) as Promised<Shape>
}

/** Fails when the signal says so. */
const aborted = (signal: AbortSignal): Effect.Effect<never, unknown> =>
  Effect.callback<never, unknown>((resume) => {
    const fail = () => resume(Effect.fail(signal.reason))
    if (signal.aborted) fail()
    else signal.addEventListener("abort", fail, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", fail))
  })
