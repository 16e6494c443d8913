/** From a command line to an exit status: read it, reach an engine, run the command, print what went wrong. */
import { localEngine } from "@cryopod/abi"
import { ContainerEngine, ImageEngine, NetworkEngine, PodEngine, VolumeEngine } from "@cryopod/entities"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { commandTree } from "./commandTree.ts"
import { ownTerminal } from "./attach.ts"
import { sources } from "./completions.ts"
import { remoteDestination } from "./connections/destination.ts"
import { engineSettings, farRuntime, requireRuntime, globalFlags, logLevelProblem, remoteFlags } from "./global.ts"
import type { CommandFailure, Engines, Handler } from "./Handler.ts"
import {
  type Call,
  candidatesOf,
  completionFor,
  type FlagTable,
  type CompletionHook,
  helpPage,
  type ParsedFlags,
  parse,
  problemText,
  shortNames,
  valuesOf,
} from "./kit/index.ts"
import { discardOutput, exitStatus, failureStatus, printFailure, writeError, writeOut } from "./output.ts"

/** Words that start this program again: conmon calls us back with them, and always means the engine of its own host. */
const self: ReadonlyArray<string> = [
  process.execPath,
  ...process.execArgv,
  "--",
  process.argv[1] ?? "",
  "--remote=false",
]

/** `onCall` is told which command is called, as the words behind the program's name, and the names of its flags. */
export const main = async (
  argv: ReadonlyArray<string>,
  onCall: (command: string, flags: string) => void,
): Promise<number> => {
  if (argv[0] === "__complete" || argv[0] === "__completeNoDesc") return completeWords(argv)
  const parsed = parse(commandTree, argv)
  switch (parsed._tag) {
    case "help":
      return Effect.runPromise(Effect.as(writeOut(helpPage(parsed.path)), 0))
    case "version":
      return Effect.runPromise(Effect.as(writeOut(`${parsed.text}\n`), 0))
    case "problem":
      return Effect.runPromise(
        Effect.gen(function* () {
          if (parsed.showHelp) yield* writeOut(helpPage(parsed.path))
          yield* writeError(problemText(parsed))
          return failureStatus
        }),
      )
    case "call":
      onCall(
        parsed.path
          .slice(1)
          .map(({ name }) => name)
          .join(" "),
        [...parsed.changed].toSorted().join(" "),
      )
      return run(parsed)
  }
}

const run = async (call: Call<Handler>): Promise<number> => {
  const { handler } = call.command
  if (handler === undefined) return Effect.runPromise(Effect.as(writeOut(helpPage(call.path)), 0))
  const problem = logLevelProblem(call)
  if (problem !== undefined) return Effect.runPromise(Effect.as(writeError(`${problem}\n`), 1))
  if (valuesOf(call, globalFlags).noout) discardOutput()
  const fiber = Effect.runFork(withEngine(call, handler(call), handler.engine))
  const interrupt = () => void Effect.runFork(Fiber.interrupt(fiber))
  // attached commands pass signals on to the container and take these listeners' place
  process.once("SIGINT", interrupt)
  process.once("SIGTERM", interrupt)
  const exit = await Effect.runPromise(Fiber.await(fiber))
  if (Exit.isSuccess(exit)) return exit.value
  return Effect.runPromise(reportFailure(exit.cause))
}

const withEngine = <A>(
  parsed: ParsedFlags,
  work: Effect.Effect<A, CommandFailure, Engines>,
  which?: Handler["engine"],
): Effect.Effect<A, CommandFailure> =>
  Effect.gen(function* () {
    // it says itself that it asks nothing of an engine
    if (which === "none") return yield* work as Effect.Effect<A, CommandFailure>
    // what no engine could be told is refused whichever does the work
    const settings = yield* Effect.fromResult(engineSettings(parsed, process.env, self))
    const remote = which === "local" ? undefined : yield* Effect.fromResult(remoteDestination(parsed, process.env))
    if (remote === undefined) {
      yield* Effect.fromResult(requireRuntime(settings))
      return yield* Effect.provide(work, localEngine(settings))
    }
    const runtime = yield* Effect.fromResult(farRuntime(parsed))
    const { tunnelEngine } = yield* Effect.promise(() => import("@cryopod/tunnel"))
    return yield* Effect.provide(work, tunnelEngine({ ...remote, ...runtime, terminal: ownTerminal }))
  })

const reportFailure = (cause: Cause.Cause<CommandFailure>): Effect.Effect<number> => {
  const failure = Result.getOrUndefined(Cause.findError(cause))
  if (failure !== undefined) return Effect.as(printFailure(failure), exitStatus(failure))
  // 130 is what shells give a program that SIGINT ended
  if (Cause.hasInterruptsOnly(cause)) return Effect.succeed(130)
  return Effect.as(
    writeError(`Error: this is a defect of cryopod, please report it:\n${Cause.pretty(cause)}\n`),
    failureStatus,
  )
}

/** Names from the engine that the line's own global flags lead to; none when it cannot be reached. */
const completeWords = async (argv: ReadonlyArray<string>): Promise<number> => {
  const parsed = parse(commandTree, [...globalWords(argv.slice(1)), "version"])
  const globals: ParsedFlags = parsed._tag === "call" ? parsed : { flags: {}, changed: new Set() }
  const names =
    (find: Effect.Effect<ReadonlyArray<string>, CommandFailure, Engines>): CompletionHook =>
    () =>
      Effect.runPromise(
        withEngine(globals, find).pipe(
          Effect.map(candidatesOf),
          Effect.catchCause(() => Effect.succeed(candidatesOf([]))),
        ),
      )
  sources.containers = names(
    Effect.map(
      ContainerEngine.use((engine) =>
        engine.list({ all: true, latest: false, filter: [], last: -1, external: false, size: false }),
      ),
      (rows) => rows.flatMap(({ Names }) => Names),
    ),
  )
  sources.images = names(
    Effect.map(
      ImageEngine.use((engine) => engine.list({ all: false, filter: [] }, [])),
      (rows) => rows.flatMap(({ RepoTags }) => RepoTags),
    ),
  )
  sources.networks = names(
    Effect.map(
      NetworkEngine.use((engine) => engine.list({ filter: [] })),
      (rows) => rows.map(({ name }) => name),
    ),
  )
  sources.pods = names(
    Effect.map(
      PodEngine.use((engine) => engine.list({ latest: false, filter: [] })),
      (rows) => rows.map(({ Name }) => Name),
    ),
  )
  sources.volumes = names(
    Effect.map(
      VolumeEngine.use((engine) => engine.list({ filter: [] })),
      (rows) => rows.map(({ Name }) => Name),
    ),
  )
  const answer = await completionFor(commandTree, argv)
  await Effect.runPromise(Effect.andThen(writeOut(answer?.stdout ?? ""), writeError(answer?.stderr ?? "")))
  return 0
}

/** The flags before the first command word, each with its value. */
const globalWords = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const table: FlagTable = { ...globalFlags, ...remoteFlags }
  let end = 0
  for (let word = words[end]; word?.startsWith("-") === true; word = words[end]) {
    const name = word.startsWith("--") ? word.slice(2) : shortNames(table).get(word.slice(1))
    const alone = word.includes("=") || (name !== undefined && table[name]?.kind === "bool")
    end += alone ? 1 : 2
  }
  return words.slice(0, end)
}
