/** Commands that look at containers, and `exec`. */
import {
  ContainerEngine,
  type ContainerSummary,
  ExecFlags,
  ListFlags,
  LogsFlags,
  OptionConflict,
  type PathChange,
} from "@cryopod/entities"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ownStreams } from "../attach.ts"
import { completeContainers } from "../completions.ts"
import { flagTable, optionsOf } from "../flags.ts"
import { printRows, type RowFormat } from "../format.ts"
import type { CliCommand } from "../Handler.ts"
import {
  type Call,
  exactArgs,
  goTime,
  humanAgo,
  humanDuration,
  minimumArgs,
  tableText,
  valuesOf,
} from "../kit/index.ts"
import { printLine, refuse, writeError, writeOut } from "../output.ts"

const formatFlags = {
  format: { kind: "string", usage: "Pretty-print output to JSON or using a Go template" },
  noheading: { kind: "bool", usage: "Do not print headers" },
  "no-trunc": { kind: "bool", usage: "Display the extended information" },
  pod: { kind: "bool", short: "p", usage: "Print the ID and name of the pod the containers are associated with" },
  quiet: { kind: "bool", short: "q", usage: "Print the numeric IDs only" },
} as const

/** Length of a shortened id. */
const shortId = 12

/** Fields of a row of `ps`, in the forms that templates show. */
const summaryFormat = (
  now: number,
  { noTrunc, pods }: { readonly noTrunc: boolean; readonly pods: boolean },
): RowFormat<ContainerSummary> => ({
  standard: `{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}${pods ? "\t{{.Pod}}\t{{.PodName}}" : ""}`,
  headings: { RunningFor: "CREATED", ID: "CONTAINER ID", Pod: "POD ID", PodName: "PODNAME" },
  typeName: "containers.psReporter",
  json: (rows) =>
    rows.map((row) => ({ ...row, Status: statusOf(row, now), CreatedAt: humanAgo(now - row.CreatedUnix * 1000) })),
  fields: (row) => ({
    ...row,
    ID: noTrunc ? row.Id : row.Id.slice(0, shortId),
    Command: noTrunc ? row.Command.join(" ") : truncated(row.Command.join(" "), commandWidth),
    CreatedAt: goTime(row.CreatedAt),
    CreatedHuman: humanAgo(now - row.CreatedUnix * 1000),
    RunningFor: humanAgo(now - row.CreatedUnix * 1000),
    Labels: Object.entries(row.Labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
    Names: row.Names.join(","),
    Networks: row.Networks.join(","),
    Pod: noTrunc ? row.Pod : row.Pod.slice(0, shortId),
    Ports: row.Ports.join(", "),
    Status: statusOf(row, now),
  }),
})

const commandWidth = 17
const truncated = (text: string, width: number) => (text.length > width + 3 ? `${text.slice(0, width)}...` : text)

/** What a container does and since when, with what its health check last said. */
const statusOf = (row: ContainerSummary, now: number): string => {
  const ended = row.ExitedAt > 0 ? ` ${humanAgo(now - row.ExitedAt * 1000)}` : ""
  const words = {
    created: "Created",
    running: `Up ${humanDuration(now - row.StartedAt * 1000)}`,
    paused: "Paused",
    stopped: `Exited (${row.ExitCode})${ended}`,
    exited: `Exited (${row.ExitCode})${ended}`,
  }
  return row.Status === "" ? words[row.State] : `${words[row.State]} (${row.Status})`
}

export const ps: CliCommand = {
  name: "ps",
  short: "List containers",
  use: "[options]",
  example: "cryopod ps -a\ncryopod ps -a --format '{{.ID}} {{.Image}} {{.Status}}'\ncryopod ps --filter status=exited",
  flags: { ...flagTable(ListFlags), ...formatFlags },
  args: ({ args }) => (args.length === 0 ? undefined : `unknown argument(s): ${args.join(" ")}`),
  handler: (call) =>
    Effect.gen(function* () {
      const rows = yield* (yield* ContainerEngine).list(optionsOf(ListFlags, call))
      const { format, "no-trunc": noTrunc, noheading, pod: pods, quiet } = valuesOf(call, formatFlags)
      if (quiet && format === "") {
        yield* writeOut(rows.map(({ Id }) => `${noTrunc ? Id : Id.slice(0, shortId)}\n`).join(""))
        return 0
      }
      const now = yield* Clock.currentTimeMillis
      yield* printRows(rows, summaryFormat(now, { noTrunc, pods }), { format, noHeading: noheading })
      return 0
    }),
}

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

export const logs: CliCommand = {
  name: "logs",
  short: "Fetch the logs of a container",
  use: "[options] CONTAINER",
  example: "cryopod logs web\ncryopod logs --follow --tail 10 web",
  flags: flagTable(LogsFlags),
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const { follow, tail, timestamps } = optionsOf(LogsFlags, call)
      if (tail < -1) return yield* new OptionConflict({ rule: "tailNegative" })
      const lines = (yield* ContainerEngine).logs(yield* oneContainer(call), { follow, tail })
      const continued = { stdout: false, stderr: false }
      yield* Stream.runForEach(lines, (line) =>
        Effect.gen(function* () {
          const write = line.stream === "stderr" ? writeError : writeOut
          if (timestamps && !continued[line.stream]) yield* write(`${line.timestamp} `)
          continued[line.stream] = line.partial
          yield* write(line.content)
        }),
      )
      return 0
    }),
}

export const exec: CliCommand = {
  name: "exec",
  short: "Run a process in a running container",
  use: "[options] CONTAINER COMMAND [ARG...]",
  example: "cryopod exec web ls /\ncryopod exec -it web sh",
  flags: flagTable(ExecFlags),
  stopAtFirst: true,
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const { detach, latest, ...flags } = optionsOf(ExecFlags, call)
      const ref = yield* oneContainer(call)
      const [program, ...words] = latest ? call.args : call.args.slice(1)
      if (program === undefined) return yield* refuse("you must provide a command to exec")
      const engine = yield* ContainerEngine
      const options = { ...flags, command: [program, ...words] as const }
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
          // Podman's status for a program that a stopped container cannot run
          failure._tag === "ContainerStateImproper" ? Object.assign(failure, { exitStatus: 255 }) : failure,
        ),
      )
    }),
}

const changeLetters: Record<PathChange["kind"], string> = { modified: "C", added: "A", deleted: "D" }

export const diff: CliCommand = {
  name: "diff",
  short: "Inspect changes to the object's file systems",
  use: "[options] CONTAINER",
  example: "cryopod diff web",
  flags: { format: { kind: "string", usage: "Change the output format (json)" } },
  args: exactArgs(1),
  complete: completeContainers,
  handler: (call) =>
    Effect.gen(function* () {
      const changes = yield* (yield* ContainerEngine).diff(call.args[0] ?? "")
      if (call.flags["format"] === "json") {
        const paths = (kind: PathChange["kind"]) =>
          changes.filter((change) => change.kind === kind).map(({ path }) => path)
        const all = { changed: paths("modified"), added: paths("added"), deleted: paths("deleted") }
        yield* printLine(
          JSON.stringify(Object.fromEntries(Object.entries(all).filter(([, list]) => list.length > 0)), undefined, 4),
        )
        return 0
      }
      yield* writeOut(changes.map(({ kind, path }) => `${changeLetters[kind]} ${path}\n`).join(""))
      return 0
    }),
}

export const top: CliCommand = {
  name: "top",
  short: "Display the running processes of a container",
  use: "[options] CONTAINER [FORMAT-DESCRIPTORS]",
  example: "cryopod top web\ncryopod top web pid,args",
  args: minimumArgs(1),
  complete: completeContainers,
  handler: ({ args: [ref = "", ...descriptors] }) =>
    Effect.gen(function* () {
      yield* writeOut(tableText(yield* (yield* ContainerEngine).top(ref, descriptors)))
      return 0
    }),
}

export const port: CliCommand = {
  name: "port",
  short: "List port mappings or a specific mapping for the container",
  use: "[options] CONTAINER [PORT]",
  example: "cryopod port web",
  args: minimumArgs(1),
  complete: completeContainers,
  handler: ({ args: [ref = ""] }) =>
    Effect.gen(function* () {
      for (const line of yield* (yield* ContainerEngine).port(ref)) yield* printLine(line)
      return 0
    }),
}

/** `container exists`: no output, the status is the answer. */
export const exists: CliCommand = {
  name: "exists",
  short: "Check if a container exists",
  use: "CONTAINER",
  args: exactArgs(1),
  complete: completeContainers,
  handler: ({ args: [ref = ""] }) =>
    Effect.map(
      Effect.flatMap(ContainerEngine, (engine) => engine.exists(ref)),
      (found) => (found ? 0 : 1),
    ),
}
