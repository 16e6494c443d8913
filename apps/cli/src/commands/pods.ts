/** Commands on pods. */
import {
  type Items,
  PodCreateFlags,
  podCreateOptions,
  PodEngine,
  type PodFailure,
  type PodInspect,
  PodKillFlags,
  PodListFlags,
  PodPauseFlags,
  PodRemoveFlags,
  type PodReport,
  PodRestartFlags,
  type PodSelection,
  PodStartFlags,
  PodStopFlags,
  type PodSummary,
  OptionConflict,
  selectionOf,
} from "@cryopod/entities"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { completePods } from "../completions.ts"
import { confirmed } from "../confirm.ts"
import { flagTable, givenOptions, optionsOf } from "../flags.ts"
import { givenFormat, printDocuments, printRows, type RowFormat } from "../format.ts"
import type { CliCommand, CommandFailure } from "../Handler.ts"
import { type Call, exactArgs, humanAgo, maximumArgs, namesOrAll, noArgs, tableText, valuesOf } from "../kit/index.ts"
import {
  failureStatus,
  printItems,
  printLine,
  printMissing,
  refuse,
  removalStatus,
  reworded,
  writeOut,
} from "../output.ts"
import { requirePods } from "../named.ts"
import { podFields } from "./inspect.ts"
import { haveImage } from "./run.ts"

/** Names, `--all` or `--latest`, as one selection. */
const selected = Effect.fnUntraced(function* (call: Call): Effect.fn.Return<PodSelection, CommandFailure, PodEngine> {
  const { all, force, ignore, latest } = call.flags
  const selection = yield* Effect.fromResult(selectionOf({ all: all === true, latest: latest === true }, call.args))
  if (selection._tag === "Names" && selection.names.length > 1)
    yield* requirePods(selection.names, { ignore: ignore === true || force === true })
  return selection
})

const idOf = ({ Id }: PodReport) => Id
/** Podman answers some commands with the pod's name, whatever it was called by. */
const nameOf = ({ Name }: PodReport) => Name

const create: CliCommand = {
  name: "create",
  short: "Create a new empty pod",
  long: "After creating the pod, the pod ID is printed to stdout.\n\nYou can then start it at any time with the `cryopod pod start POD` command. The pod will be created with the initial state 'created'.",
  use: "[options] [NAME]",
  example:
    "cryopod pod create\ncryopod pod create --label foo=bar mypod\ncryopod pod create --name web --share ipc,net",
  flags: flagTable(PodCreateFlags),
  args: maximumArgs(1),
  handler: (call) =>
    Effect.gen(function* () {
      const flags = optionsOf(PodCreateFlags, call)
      const options = yield* Effect.fromResult(podCreateOptions(flags, call.args, givenOptions(PodCreateFlags, call)))
      if (flags.infraImage !== "") yield* haveImage({ image: flags.infraImage, pull: "missing" })
      const createCommand = ["cryopod", ...process.argv.slice(2)]
      yield* printLine((yield* (yield* PodEngine).create({ ...options, createCommand })).id)
      return 0
    }),
}

const listFlags = {
  format: { kind: "string", usage: "Pretty-print pods to JSON or using a Go template" },
  noheading: { kind: "bool", short: "n", usage: "Do not print headers" },
  "no-trunc": { kind: "bool", usage: "Do not truncate pod and container IDs" },
  quiet: { kind: "bool", short: "q", usage: "Print the numeric IDs of the pods only" },
  "ctr-ids": { kind: "bool", usage: "Display the container UUIDs. If no-trunc is not set they will be truncated" },
  "ctr-names": { kind: "bool", usage: "Display the container names" },
  "ctr-status": { kind: "bool", usage: "Display the container status" },
  sort: { kind: "string", usage: "Sort output by created, id, name, number, or status", default: "created" },
} as const

const podFormat = (now: number, columns: ReadonlyArray<string>, noTrunc: boolean): RowFormat<PodSummary> => {
  const short = (id: string) => (noTrunc ? id : id.slice(0, 12))
  return {
    standard: ["Id", "Name", "Status", "Created", "InfraID", ...columns].map((name) => `{{.${name}}}`).join("\t"),
    headings: {
      Id: "POD ID",
      ID: "POD ID",
      InfraID: "INFRA ID",
      InfraId: "INFRA ID",
      NumberOfContainers: "# OF CONTAINERS",
      ContainerIds: "IDS",
      ContainerNames: "NAMES",
      ContainerStatuses: "STATUS",
      Namespace: "NAMESPACES",
    },
    name: "ps",
    typeName: "pods.ListPodReporter",
    json: (rows) => rows,
    fields: (row) => ({
      ...row,
      Id: short(row.Id),
      ID: short(row.Id),
      InfraId: short(row.InfraId),
      InfraID: short(row.InfraId),
      Created: humanAgo(now - Date.parse(row.Created)),
      NumberOfContainers: row.Containers.length,
      ContainerIds: row.Containers.map(({ Id }) => short(Id)).join(","),
      ContainerNames: row.Containers.map(({ Names }) => Names).join(","),
      ContainerStatuses: row.Containers.map(({ Status }) => Status).join(","),
      Networks: row.Networks.join(","),
      Labels: new Map(Object.entries(row.Labels)),
      Restarts: String(row.Containers.reduce((sum, { RestartCount }) => sum + RestartCount, 0)),
      MarshalJSON: () => row,
    }),
  }
}

type Order = (a: PodSummary, b: PodSummary) => number
const byText =
  (text: (row: PodSummary) => string): Order =>
  (a, b) =>
    text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0

/** The newest comes first as it is. */
const orders: Readonly<Record<string, Order>> = {
  created: () => 0,
  id: byText(({ Id }) => Id),
  name: byText(({ Name }) => Name),
  number: (a, b) => a.Containers.length - b.Containers.length,
  status: byText(({ Status }) => Status),
}

const list: CliCommand = {
  name: "ps",
  aliases: ["ls", "list"],
  short: "List pods",
  long: "List all pods on system including their names, ids and current state.",
  use: "[options]",
  example:
    "cryopod pod ps\ncryopod pod ps --format '{{.ID}} {{.Name}} {{.Status}}'\ncryopod pod ps --filter status=running",
  flags: { ...flagTable(PodListFlags), ...listFlags },
  args: noArgs,
  handler: (call) =>
    Effect.gen(function* () {
      const flags = valuesOf(call, listFlags)
      const order = orders[flags.sort]
      const format = givenFormat(call)
      if (flags.quiet && format !== undefined) return yield* new OptionConflict({ rule: "podQuietAndFormat" })
      if (order === undefined) {
        return yield* refuse("invalid option for --sort, options are: created, id, name, number, or status")
      }
      const rows = (yield* (yield* PodEngine).list(optionsOf(PodListFlags, call))).toSorted(order)
      if (flags.quiet) {
        yield* writeOut(rows.map(({ Id }) => `${Id}\n`).join(""))
        return 0
      }
      const chosen = [
        ...(flags["ctr-ids"] ? ["ContainerIds"] : []),
        ...(flags["ctr-names"] ? ["ContainerNames"] : []),
        ...(flags["ctr-status"] ? ["ContainerStatuses"] : []),
      ]
      const columns = chosen.length === 0 ? ["NumberOfContainers"] : chosen
      const now = yield* Clock.currentTimeMillis
      const { noheading } = flags
      yield* printRows(rows, podFormat(now, columns, flags["no-trunc"]), { format, noHeading: noheading })
      return 0
    }),
}

const inspectFlags = {
  format: { kind: "string", short: "f", usage: "Format the output to a Go template or json", default: "json" },
  latest: { kind: "bool", short: "l", usage: "Act on the latest pod" },
} as const

const inspect: CliCommand = {
  name: "inspect",
  short: "Display a pod configuration",
  long: "Display the configuration for a pod by name or id\n\nBy default, this will render all results in a JSON array.",
  use: "[options] POD [POD...]",
  example: "cryopod pod inspect web\ncryopod pod inspect --format '{{.State}}' web",
  flags: inspectFlags,
  complete: completePods,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* PodEngine
      const { format, latest } = valuesOf(call, inspectFlags)
      const refs = latest ? [yield* engine.latest] : call.args
      if (refs.length === 0) return yield* refuse("no names or ids specified")
      const found: Array<PodInspect> = []
      const missing: Array<string> = []
      for (const ref of refs) {
        const one = yield* engine.inspect(ref).pipe(Effect.catchTag("PodNotFound", () => Effect.succeed(undefined)))
        if (one === undefined) missing.push(ref)
        else found.push(one)
      }
      if (format === "json" || format === "") yield* writeOut(`${JSON.stringify(found, undefined, 5)}\n`)
      else yield* printDocuments(found.map(podFields), format)
      yield* printMissing(missing.map((ref) => `no such pod ${ref}`))
      return missing.length === 0 ? 0 : failureStatus
    }),
}

/** No output, the status is the answer. */
const exists: CliCommand = {
  name: "exists",
  short: "Check if a pod exists in local storage",
  long: "If the named pod exists in local storage, the command exits with 0, otherwise the exit code will be 1.",
  use: "POD",
  example: "cryopod pod exists web",
  args: exactArgs(1),
  complete: completePods,
  handler: ({ args: [ref = ""] }) =>
    Effect.map(
      Effect.flatMap(PodEngine, (engine) => engine.exists(ref)),
      (found) => (found ? 0 : 1),
    ),
}

interface Acting {
  readonly name: string
  readonly short: string
  readonly flags: CliCommand["flags"]
  readonly act: (
    call: Call,
    selection: PodSelection,
  ) => Effect.Effect<Items<PodReport, PodFailure>, CommandFailure, PodEngine>
  readonly line: (report: PodReport) => string
  readonly statusOf?: (failure: CommandFailure) => number
}

/** A command on several pods, with one line for each. */
const acting = ({ act, flags, line, name, short, statusOf }: Acting): CliCommand => ({
  name,
  short,
  use: "[options] POD [POD...]",
  example: `cryopod pod ${name} web\ncryopod pod ${name} --all`,
  ...(flags === undefined ? {} : { flags }),
  args: namesOrAll,
  complete: completePods,
  handler: (call) =>
    Effect.gen(function* () {
      const items = yield* act(call, yield* selected(call))
      return yield* printItems(items, line, statusOf)
    }).pipe(
      Effect.mapError((failure) =>
        statusOf === undefined ? failure : reworded(failure, failure.message, statusOf(failure)),
      ),
    ),
})

const start = acting({
  name: "start",
  short: "Start one or more pods",
  flags: flagTable(PodStartFlags),
  act: (_, selection) => PodEngine.use((engine) => engine.start(selection)),
  line: nameOf,
})

const stop = acting({
  name: "stop",
  short: "Stop one or more pods",
  flags: flagTable(PodStopFlags),
  act: (call, selection) => {
    const { ignore, time } = optionsOf(PodStopFlags, call)
    return PodEngine.use((engine) => engine.stop(selection, { ignore, timeSeconds: time }))
  },
  line: nameOf,
})

const restart = acting({
  name: "restart",
  short: "Restart one or more pods",
  flags: flagTable(PodRestartFlags),
  act: (_, selection) => PodEngine.use((engine) => engine.restart(selection)),
  line: idOf,
})

const kill = acting({
  name: "kill",
  short: "Send the specified signal or SIGKILL to containers in pod",
  flags: flagTable(PodKillFlags),
  act: (call, selection) =>
    PodEngine.use((engine) => engine.kill(selection, { signal: optionsOf(PodKillFlags, call).signal })),
  line: idOf,
})

const pause = acting({
  name: "pause",
  short: "Pause one or more pods",
  flags: flagTable(PodPauseFlags),
  act: (_, selection) => PodEngine.use((engine) => engine.pause(selection)),
  line: idOf,
})

const unpause = acting({
  name: "unpause",
  short: "Unpause one or more pods",
  flags: flagTable(PodPauseFlags),
  act: (_, selection) => PodEngine.use((engine) => engine.unpause(selection)),
  line: idOf,
})

const remove = acting({
  name: "rm",
  short: "Remove one or more pods",
  flags: flagTable(PodRemoveFlags),
  act: (call, selection) => {
    const { force, ignore, time } = optionsOf(PodRemoveFlags, call)
    if (call.changed.has("time") && !force) return new OptionConflict({ rule: "podTimeWithoutForce" })
    return PodEngine.use((engine) => engine.remove(selection, { force, ignore: ignore || force, timeSeconds: time }))
  },
  line: idOf,
  statusOf: removalStatus,
})

const pruneFlags = {
  force: { kind: "bool", short: "f", usage: "Do not prompt for confirmation.  The default is false" },
} as const

const prune: CliCommand = {
  name: "prune",
  short: "Remove all stopped pods and their containers",
  long: "Removes all stopped or exited pods with their containers.",
  use: "[options]",
  example: "cryopod pod prune --force",
  flags: pruneFlags,
  args: noArgs,
  handler: (call) =>
    Effect.gen(function* () {
      if (!valuesOf(call, pruneFlags).force) {
        yield* printLine("WARNING! This will remove all stopped/exited pods..")
        if (!(yield* confirmed("Are you sure you want to continue? [y/N] "))) return 0
      }
      return yield* printItems(yield* (yield* PodEngine).prune, idOf)
    }),
}

const topFlags = { latest: { kind: "bool", short: "l", usage: "Act on the latest pod" } } as const

const top: CliCommand = {
  name: "top",
  short: "Display the running processes of containers in a pod",
  use: "[options] POD [FORMAT-DESCRIPTORS]",
  example: "cryopod pod top web\ncryopod pod top web pid,args",
  flags: topFlags,
  complete: completePods,
  handler: (call) =>
    Effect.gen(function* () {
      const engine = yield* PodEngine
      const [ref, ...descriptors] = valuesOf(call, topFlags).latest ? [yield* engine.latest, ...call.args] : call.args
      if (ref === undefined) return yield* refuse("you must provide the name or id of a running pod")
      const rows = yield* engine
        .top(ref, descriptors)
        .pipe(
          Effect.mapError((failure): CommandFailure =>
            failure._tag === "PodNotFound"
              ? reworded(failure, `unable to look up requested container: ${failure.message}`)
              : failure,
          ),
        )
      if (rows.length > 0) yield* writeOut(tableText(rows))
      return 0
    }),
}

export const pod: CliCommand = {
  name: "pod",
  short: "Manage pods",
  long: "Pods are a group of one or more containers sharing the same network, pid and ipc namespaces.",
  commands: [create, exists, inspect, kill, list, pause, prune, remove, restart, start, stop, top, unpause],
}
