/**
 * Follow a container from the beginning of its present run, feed it, and wait for its end.
 *
 * What it says is taken from its log, which loses nothing and needs no connection to conmon; what it is told goes
 * through conmon's attach socket, which is of a kind that Node does not know (SOCK_SEQPACKET) and socat does.
 */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import type { AttachStreams, ContainerFailure } from "@cryopod/entities"
import { type ContainerPaths, Layout, readOr, Tools } from "@cryopod/host"
import { type ContainerRecord, Containers, followLog, isActive } from "@cryopod/runtime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { EngineServices } from "../EngineServices.ts"
import { observe } from "./observe.ts"
import { exitCodeOf } from "./wait.ts"

/** A run of a container, and what it says. */
export interface FollowedRun {
  /** As it was when the run had begun. */
  readonly record: ContainerRecord
  /** Byte of the log at which the run begins: what a container said in earlier runs is not repeated. */
  readonly from: number
  /** The log, held open; without it, it is there as long as the container is. */
  readonly log?: fs.promises.FileHandle
}

/** The run of this container that goes on, or that ended last. */
export const presentRun = Effect.fnUntraced(function* (
  id: string,
): Effect.fn.Return<FollowedRun, ContainerFailure, EngineServices> {
  const { logStart } = (yield* Layout).container(id)
  // there is none of a container that nobody has started yet
  return { record: yield* (yield* Containers).get(id), from: Number(readOr(logStart, "0")) }
})

export const followRun = Effect.fn("Container.followRun")(function* (
  { from, log, record }: FollowedRun,
  streams: AttachStreams,
): Effect.fn.Return<number, ContainerFailure, EngineServices> {
  const paths = (yield* Layout).container(record.id)
  const goesOn = () => isActive(observe(record.state, paths))
  const output = Stream.fromAsyncIterable(
    followLog(paths.log, { from, goesOn, ...(log === undefined ? {} : { handle: log }) }),
    (cause) => {
      throw cause
    },
  ).pipe(Stream.runForEach((line) => streams.output(line.stream, line.content)))
  const feed = streams.input === undefined ? Effect.void : feedInput(paths, streams.input)
  const resize =
    streams.resizes === undefined
      ? Effect.void
      : Stream.runForEach(streams.resizes, (size) => resizeTerminal(paths, size))
  yield* Effect.raceFirst(output, Effect.andThen(Effect.all([feed, resize], { concurrency: 2 }), Effect.never))
  return yield* exitCodeOf(record, 20)
})

/** Bytes for the container's standard input, until they end; then the container sees the end too. */
const feedInput = Effect.fnUntraced(function* (paths: ContainerPaths, input: Stream.Stream<Uint8Array>) {
  const socat = yield* (yield* Tools).path("socat")
  const child = yield* Effect.acquireRelease(
    // by a relative name: the path of a socket may have 108 bytes only
    Effect.sync(() =>
      spawn(socat, ["-u", "STDIN", "UNIX-CONNECT:attach,type=5"], {
        cwd: paths.userdata,
        stdio: ["pipe", "ignore", "ignore"],
        detached: true,
      }),
    ),
    (process) => Effect.sync(() => void process.kill()),
  )
  // the container has just ended, or is gone
  child.on("error", () => undefined)
  child.stdin?.on("error", () => undefined)
  yield* Stream.runForEach(input, (chunk) =>
    Effect.callback<void>((resume) => {
      child.stdin?.write(chunk, () => resume(Effect.void))
    }),
  )
  child.stdin?.end()
  yield* Effect.never
}, Effect.scoped)

/** conmon reads `1 <rows> <columns>` from its control pipe (conmon `src/ctrl.c`, WIN_RESIZE_EVENT). */
const resizeTerminal = (
  paths: ContainerPaths,
  { columns, rows }: { readonly columns: number; readonly rows: number },
) =>
  Effect.sync(() => {
    try {
      fs.writeFileSync(join(paths.userdata, "ctl"), `1 ${rows} ${columns}\n`, { flag: "a" })
    } catch {
      // the container has just ended
    }
  })
