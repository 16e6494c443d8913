/** A container on this terminal: its output here, our input there, our signals passed on. */
import { type AttachStreams, ContainerEngine, Selection } from "@cryopod/entities"
import type { Terminal } from "@cryopod/tunnel"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { writeError, writeOut } from "./output.ts"

export interface AttachOptions {
  /** Our standard input goes to the container. */
  readonly interactive: boolean
}

/** Our own streams, for a program that has a terminal or not. */
export const ownStreams = ({
  interactive,
  terminal,
}: AttachOptions & { readonly terminal: boolean }): AttachStreams => ({
  // a terminal has one stream
  output: (stream, content) => (stream === "stderr" ? writeError(content) : writeOut(content)),
  ...(interactive ? { input: standardInput } : {}),
  ...(terminal ? { resizes: terminalSizes } : {}),
})

/** This terminal, for a program that is run in a container of another host. */
export const ownTerminal: Terminal = ({ interactive, tty }, work) => {
  const terminal = tty && process.stdin.isTTY === true
  const attached = work(ownStreams({ interactive, terminal }))
  return terminal && interactive ? rawTerminal(attached) : attached
}

/** Start a container and stay with it until it ends; its exit status, or what went wrong, and whether it had begun to run by then. */
export const startAttached = Effect.fnUntraced(function* (ref: string, options: AttachOptions) {
  const runs = yield* Deferred.make<void>()
  const status = yield* Effect.result(stayWith(ref, options, runs))
  return { status, begun: yield* Deferred.isDone(runs) }
})

const stayWith = Effect.fnUntraced(function* (
  ref: string,
  { interactive }: AttachOptions,
  runs: Deferred.Deferred<void>,
) {
  const engine = yield* ContainerEngine
  const { Config: config } = yield* engine.inspect(ref)
  const terminal = config.Tty && process.stdin.isTTY === true
  const forwarding = yield* Effect.forkChild(
    terminal ? Effect.never : Effect.andThen(Deferred.await(runs), forwardSignals(ref)),
  )
  const attached = engine.startAttached(
    ref,
    ownStreams({ interactive, terminal }),
    Effect.asVoid(Deferred.succeed(runs, undefined)),
  )
  const status = yield* terminal && interactive ? rawTerminal(attached) : attached
  yield* Fiber.interrupt(forwarding)
  return status
})

const standardInput: Stream.Stream<Uint8Array> = Stream.callback<Uint8Array>(
  (queue) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        // nothing more is read until this has been taken
        const data = (chunk: Buffer) => {
          process.stdin.pause()
          void Effect.runPromise(Queue.offer(queue, chunk)).then((taken) => taken && process.stdin.resume())
        }
        const end = () => void Queue.endUnsafe(queue)
        process.stdin.on("data", data)
        process.stdin.once("end", end)
        return { data, end }
      }),
      ({ data, end }) =>
        Effect.sync(() => {
          process.stdin.off("data", data)
          process.stdin.off("end", end)
          process.stdin.pause()
        }),
    ),
  { bufferSize: 1 },
)

interface Size {
  readonly columns: number
  readonly rows: number
}

const terminalSizes: Stream.Stream<Size> = Stream.callback<Size>((queue) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const tell = () => void Queue.offerUnsafe(queue, { columns: process.stdout.columns, rows: process.stdout.rows })
      tell()
      process.stdout.on("resize", tell)
      return tell
    }),
    (tell) => Effect.sync(() => void process.stdout.off("resize", tell)),
  ),
)

/** Every key goes to the container while it is attached; the terminal is as before on every way out. */
const rawTerminal = <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => void process.stdin.setRawMode(true)),
    () => work,
    () => Effect.sync(() => void process.stdin.setRawMode(false)),
  )

const forwarded = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const

/** Signals that reach us are meant for the container. */
const forwardSignals = (ref: string): Effect.Effect<never, never, ContainerEngine> =>
  Effect.gen(function* () {
    const engine = yield* ContainerEngine
    const signals = Stream.callback<string>((queue) =>
      Effect.acquireRelease(
        Effect.sync(() =>
          forwarded.map((name) => {
            // what would end the command takes its place again when the container has ended
            const others = process.listeners(name)
            process.removeAllListeners(name)
            process.on(name, () => void Queue.offerUnsafe(queue, name))
            return { name, others }
          }),
        ),
        (taken) =>
          Effect.sync(() => {
            for (const { name, others } of taken) {
              process.removeAllListeners(name)
              for (const other of others) process.on(name, other)
            }
          }),
      ),
    )
    yield* Stream.runForEach(signals, (signal) => Effect.ignore(engine.kill(Selection.names(ref), { signal })))
    return yield* Effect.never
  })
