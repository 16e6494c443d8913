/** Commands that look at containers, and `exec`. */
import { ContainerEngine, ExecFlags, LogsFlags, OptionConflict, type PathChange } from "@cryopod/entities"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ownStreams } from "../attach.ts"
import { completeContainers } from "../completions.ts"
import { flagTable, optionsOf } from "../flags.ts"
import type { CliCommand, CommandFailure } from "../Handler.ts"
import { type Call, exactArgs, nameOrLatest, rangeArgs, tableText, valuesOf } from "../kit/index.ts"
import { exitStatus, failureStatus, printLine, refuse, reworded, writeError, writeOut } from "../output.ts"
import { envFileFlag, givenVariables } from "../variables.ts"

/** The container that is meant: the one named, or the latest. */
const oneContainer = Effect.fnUntraced(function* (call: Call) {
  const engine = yield* ContainerEngine
  const [ref] = call.args
  if (call.flags["latest"] === true) {
    if (ref !== undefined && call.command.name !== "exec") return yield* new OptionConflict({ rule: "selectionBoth" })
    return yield* engine.latest
  }
  return ref ?? (yield* new OptionConflict({ rule: "selectionNone" }))
})

const logFlags = { names: { kind: "bool", short: "n", usage: "Output the container name in the log" } } as const

export const logs: CliCommand = {
  name: "logs",
  short: "Fetch the logs of one or more containers",
  use: "[options] CONTAINER [CONTAINER...]",
  example: "cryopod logs web\ncryopod logs --follow --tail 10 web",
  flags: { ...flagTable(LogsFlags), ...logFlags },
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const { follow, latest, tail, timestamps } = optionsOf(LogsFlags, call)
      const { names } = valuesOf(call, logFlags)
      if (latest && call.args.length > 0) return yield* refuse("--latest and containers cannot be used together")
      if (!latest && call.args.length === 0) return yield* refuse("specify at least one container name or ID to log")
      if (tail < -1) return yield* new OptionConflict({ rule: "tailNegative" })
      const documents = yield* Effect.forEach(latest ? [yield* engine.latest] : call.args, engine.inspect)
      const several = documents.length > 1
      const print = ({ Id, Name }: (typeof documents)[number]) => {
        // a stream's line may come in parts; only the first begins one
        const continued = { stdout: false, stderr: false }
        return Stream.runForEach(engine.logs(Id, { follow, tail }), (line) => {
          const write = line.stream === "stderr" ? writeError : writeOut
          const head = [
            ...(several ? [names ? Name : Id.slice(0, 12)] : []),
            ...(timestamps ? [goInstant(line.timestamp)] : []),
          ]
          const begins = !continued[line.stream]
          continued[line.stream] = line.partial
          return Effect.andThen(
            begins ? write(head.map((word) => `${word} `).join("")) : Effect.void,
            write(line.content),
          )
        })
      }
      yield* Effect.forEach(documents, print, { discard: true, ...(follow ? { concurrency: "unbounded" } : {}) })
      return 0
    }),
}

const unrun = new Set(["CommandNotStarted", "ContainerStateImproper", "UserUnknown"])

export const exec: CliCommand = {
  name: "exec",
  short: "Run a process in a running container",
  use: "[options] CONTAINER COMMAND [ARG...]",
  example: "cryopod exec web ls /\ncryopod exec -it web sh",
  flags: { ...flagTable(ExecFlags), ...envFileFlag },
  stopAtFirst: true,
  args: ({ args, flags }) =>
    args.length === 0 && flags["latest"] !== true
      ? "exec requires the name or ID of a container or the --latest flag"
      : undefined,
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const { detach, latest, ...flags } = optionsOf(ExecFlags, call)
      const ref = yield* oneContainer(call)
      const [program, ...words] = latest ? call.args : call.args.slice(1)
      const engine = yield* ContainerEngine
      if (program === undefined) {
        yield* engine.inspect(ref)
        return yield* refuse("must provide a non-empty command to start an exec session: invalid argument")
      }
      const env = yield* givenVariables(valuesOf(call, envFileFlag)["env-file"], flags.env).pipe(
        Effect.catchTag("VariableInvalid", (failure) =>
          Effect.fail(reworded(failure, `parsing environment variables: ${failure.message}`)),
        ),
      )
      const options = { ...flags, env, command: [program, ...words] as const }
      const ownTerminal = flags.tty && process.stdin.isTTY === true && process.stdout.isTTY === true
      const work = detach
        ? Effect.as(Effect.flatMap(engine.execDetached(ref, options), printLine), 0)
        : engine.exec(
            ref,
            options,
            ownTerminal ? undefined : ownStreams({ interactive: flags.interactive, terminal: false }),
          )
      return yield* work.pipe(
        Effect.mapError((failure) =>
          // Podman's status for a program that the container cannot run
          unrun.has(failure._tag) && (detach || exitStatus(failure) === failureStatus)
            ? reworded(failure, failure.message, detach ? failureStatus : 255)
            : failure,
        ),
      )
    }),
}

const changeLetters: Record<PathChange["kind"], string> = { modified: "C", added: "A", deleted: "D" }

/** An instant as Go writes RFC 3339 with nanoseconds: no zeros at their end, and Z for the zone of Greenwich. */
const goInstant = (timestamp: string): string =>
  timestamp
    .replace(/(\.\d*?)0*(?=[Z+-])/, (_, digits: string) => (digits === "." ? "" : digits))
    .replace(/\+00:00$/, "Z")

/** Podman looks for a layer of any kind under `diff`, for a container under `container diff`. */
const diffing = (missing: "layer" | "container"): CliCommand => ({
  name: "diff",
  short: "Inspect changes to the object's file systems",
  use: "[options] CONTAINER",
  example: "cryopod diff web",
  flags: {
    format: { kind: "string", usage: "Change the output format (json)" },
    latest: { kind: "bool", short: "l", usage: "Act on the latest container" },
  },
  args: (context) => {
    const { args, flags } = context
    if (flags["latest"] !== true) return nameOrLatest(context) ?? rangeArgs(1, 2)(context)
    return args.length > 0 ? "--latest and containers cannot be used together" : undefined
  },
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const ref = yield* Effect.mapError(oneContainer(call), (failure: CommandFailure) =>
        failure._tag === "NoContainers"
          ? reworded(failure, `unable to get latest container: ${failure.message}`)
          : failure,
      )
      const changes = yield* engine
        .diff(ref)
        .pipe(
          Effect.mapError((failure): CommandFailure =>
            failure._tag === "ContainerNotFound"
              ? reworded(failure, `${ref} not found: ${missing} not known`)
              : failure,
          ),
        )
      const { format } = call.flags
      if (format === "json") {
        const paths = (kind: PathChange["kind"]) =>
          changes.filter((change) => change.kind === kind).map(({ path }) => path)
        const all = { changed: paths("modified"), added: paths("added"), deleted: paths("deleted") }
        yield* printLine(
          JSON.stringify(Object.fromEntries(Object.entries(all).filter(([, list]) => list.length > 0)), undefined, 4),
        )
        return 0
      }
      if (format !== "") return yield* refuse("only supported value for '--format' is 'json'")
      yield* writeOut(changes.map(({ kind, path }) => `${changeLetters[kind]} ${path}\n`).join(""))
      return 0
    }),
})

export const diff = diffing("layer")
export const containerDiff = diffing("container")

/** Podman's words where it looks for the container by itself. */
const lookedUp = (failure: CommandFailure): CommandFailure =>
  failure._tag === "ContainerNotFound" || failure._tag === "NoContainers"
    ? reworded(failure, `unable to look up requested container: ${failure.message}`)
    : failure

export const top: CliCommand = {
  name: "top",
  short: "Display the running processes of a container",
  use: "[options] CONTAINER [FORMAT-DESCRIPTORS]",
  example: "cryopod top web\ncryopod top web pid,args",
  flags: { latest: { kind: "bool", short: "l", usage: "Act on the latest container" } },
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const latest = call.flags["latest"] === true
      const [ref, ...descriptors] = latest ? [yield* Effect.mapError(engine.latest, lookedUp), ...call.args] : call.args
      if (ref === undefined) return yield* refuse("you must provide the name or id of a running container")
      yield* writeOut(tableText(yield* Effect.mapError(engine.top(ref, descriptors), lookedUp)))
      return 0
    }),
}

export const port: CliCommand = {
  name: "port",
  short: "List port mappings or a specific mapping for the container",
  use: "[options] CONTAINER [PORT]",
  example: "cryopod port web\ncryopod port web 80/tcp\ncryopod port --all",
  flags: {
    all: { kind: "bool", short: "a", usage: "Display port information for all containers" },
    latest: { kind: "bool", short: "l", usage: "Act on the latest container" },
  },
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* ContainerEngine
      const { all, latest } = call.flags
      if (all === true) {
        if (call.args.length > 0) return yield* refuse("no arguments are needed with --all")
        const rows = yield* engine.list({
          all: false,
          latest: false,
          filter: [],
          last: -1,
          external: false,
          size: false,
        })
        for (const { Id } of rows) {
          for (const line of yield* engine.port(Id)) yield* printLine(`${Id.slice(0, 12)}\t${line}`)
        }
        return 0
      }
      const [ref, wanted] = latest === true ? [yield* engine.latest, call.args[0]] : call.args
      if (ref === undefined) return yield* refuse("you must supply a running container name or id")
      const lines = yield* engine.port(ref)
      if (wanted === undefined) {
        for (const line of lines) yield* printLine(line)
        return 0
      }
      const [number = ""] = wanted.split("/")
      if (!/^\d+$/.test(number)) {
        return yield* refuse(`strconv.ParseUint: parsing ${JSON.stringify(number)}: invalid syntax`)
      }
      const port = wanted.includes("/") ? wanted : `${wanted}/tcp`
      const found = lines.filter((line) => line.startsWith(`${port} -> `))
      if (found.length === 0) return yield* refuse(`failed to find published port ${JSON.stringify(wanted)}`)
      for (const line of found) yield* printLine(line.slice(port.length + " -> ".length))
      return 0
    }),
}

/** `container exists`: no output, the status is the answer. */
export const exists: CliCommand = {
  name: "exists",
  short: "Check if a container exists",
  use: "[options] CONTAINER",
  flags: { external: { kind: "bool", usage: "Check external storage containers as well as cryopod containers" } },
  args: exactArgs(1),
  complete: completeContainers,
  handler: ({ args: [ref = ""] }) =>
    Effect.map(
      Effect.flatMap(ContainerEngine, (engine) => engine.exists(ref)),
      (found) => (found ? 0 : 1),
    ),
}
