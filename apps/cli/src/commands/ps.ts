/** `ps`: the rows of containers, as a table, as JSON or through a template. */
import { ContainerEngine, type ContainerSummary, exposedPorts, ListFlags, portsText } from "@cryopod/entities"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { flagTable, optionsOf } from "../flags.ts"
import { givenFormat, printRows, type RowFormat } from "../format.ts"
import type { CliCommand } from "../Handler.ts"
import { goTime, humanAgo, humanDuration, humanSize, noArgs, valuesOf } from "../kit/index.ts"
import { namespaceLinks } from "../namespaceLinks.ts"
import { printComplaint, refuse, writeOut } from "../output.ts"

const orders = ["command", "created", "id", "image", "names", "runningfor", "size", "status"] as const

const formatFlags = {
  format: { kind: "string", usage: "Pretty-print containers to JSON or using a Go template" },
  noheading: { kind: "bool", usage: "Do not print headers" },
  "no-trunc": { kind: "bool", aliases: ["notruncate"], usage: "Display the extended information" },
  ns: { kind: "bool", aliases: ["namespace"], usage: "Display namespace information" },
  pod: { kind: "bool", short: "p", usage: "Print the ID and name of the pod the containers are associated with" },
  quiet: { kind: "bool", short: "q", usage: "Print the numeric IDs of the containers only" },
  sort: { kind: "string", usage: `Sort output by: ${orders.join(", ")}`, default: "created", choices: orders },
  sync: { kind: "bool", usage: "Sync container state with OCI runtime", hidden: true },
} as const

/** Length of a shortened id. */
const shortId = 12

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
    initialized: "Initialized",
    stopping: "Stopping",
    removing: "Removing",
    unknown: "Unknown",
  }
  return row.Status === "" ? words[row.State] : `${words[row.State]} (${row.Status})`
}

const sizeOf = ({ Size }: ContainerSummary, complain: Columns["complain"]): string => {
  if (Size !== null) return `${humanSize(Size.rwSize, 3)} (virtual ${humanSize(Size.rootFsSize, 3)})`
  complain("Size format requires --size option")
  return ""
}

/** libpod's namespaces of a row, which only `--ns` fills. */
const namespacesOf = ({ Pid }: ContainerSummary, shown: boolean) => {
  const { CGROUPNS: Cgroup, IPC, MNT, NET, PIDNS, USERNS: User, UTS } = namespaceLinks(shown ? Pid : 0)
  return { Cgroup, IPC, MNT, NET, PIDNS, User, UTS }
}

type Order = (a: ContainerSummary, b: ContainerSummary) => number

const byText =
  (text: (row: ContainerSummary) => string): Order =>
  (a, b) =>
    text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0

/** The oldest are first as they are. */
const sorting: Readonly<Record<(typeof orders)[number], Order>> = {
  command: byText(({ Command }) => Command.join(" ")),
  created: () => 0,
  id: byText(({ Id }) => Id),
  image: byText(({ Image }) => Image),
  names: byText(({ Names }) => Names[0] ?? ""),
  runningfor: (a, b) => a.StartedAt - b.StartedAt,
  size: (a, b) => (a.Size?.rwSize ?? 0) - (b.Size?.rwSize ?? 0),
  status: byText(({ State }) => State),
}

/** A list of nothing is null in libpod's documents. */
const orNull = <A>(list: ReadonlyArray<A>) => (list.length === 0 ? null : list)

/** libpod's `ListContainer`. */
const documentOf = ({ CreatedUnix: _, ...row }: ContainerSummary, created: object) => ({
  ...row,
  Labels: Object.keys(row.Labels).length === 0 ? null : row.Labels,
  Command: orNull(row.Command),
  CIDFile: "",
  ExposedPorts: Object.keys(row.ExposedPorts).length === 0 ? null : row.ExposedPorts,
  Namespaces: {},
  Ports: orNull(row.Ports),
  ...created,
})

interface Columns {
  /** What a template asks for and was not looked up. */
  readonly complain: (text: string) => void
  readonly now: number
  readonly noTrunc: boolean
  readonly pods: boolean
  readonly size: boolean
  readonly namespaces: boolean
}

/** Fields of a row of `ps`, in the forms that templates show. */
const summaryFormat = ({ complain, now, noTrunc, ...columns }: Columns): RowFormat<ContainerSummary> => ({
  standard: columns.namespaces
    ? "{{.ID}}\t{{.Names}}\t{{.Pid}}\t{{.CGROUPNS}}\t{{.IPC}}\t{{.MNT}}\t{{.NET}}\t{{.PIDNS}}\t{{.USERNS}}\t{{.UTS}}"
    : `{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.CreatedHuman}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}${columns.pods ? "\t{{.Pod}}\t{{.PodName}}" : ""}${columns.size ? "\t{{.Size}}" : ""}`,
  headings: {
    CreatedHuman: "CREATED",
    ID: "CONTAINER ID",
    Pod: "POD ID",
    PodName: "PODNAME",
    CGROUPNS: "cgroupns",
    IPC: "ipc",
    MNT: "mnt",
    NET: "net",
    PIDNS: "pidns",
    USERNS: "userns",
    UTS: "uts",
  },
  name: "ps",
  typeName: "containers.psReporter",
  json: (rows) =>
    rows.map((row) =>
      documentOf(row, {
        Status: statusOf(row, now),
        CreatedAt: humanAgo(now - row.CreatedUnix * 1000),
        Created: row.CreatedUnix,
      }),
    ),
  fields: (row) => ({
    ...row,
    ID: noTrunc ? row.Id : row.Id.slice(0, shortId),
    Command: noTrunc ? row.Command.join(" ") : truncated(row.Command.join(" "), commandWidth),
    Created: goTime(row.CreatedAt),
    CreatedAt: goTime(row.CreatedAt),
    CreatedHuman: humanAgo(now - row.CreatedUnix * 1000),
    RunningFor: humanAgo(now - row.CreatedUnix * 1000),
    CIDFile: "",
    ImageID: noTrunc ? row.ImageID : row.ImageID.slice(0, shortId),
    Label: (key: string) => row.Labels[key] ?? "",
    Labels: new Map(Object.entries(row.Labels)),
    Namespaces: namespacesOf(row, columns.namespaces),
    Names: row.Names.join(","),
    Networks: row.Networks.join(","),
    Pod: noTrunc ? row.Pod : row.Pod.slice(0, shortId),
    Ports: portsText(row.Ports, exposedPorts(row.ExposedPorts)),
    Size: () => sizeOf(row, complain),
    Status: statusOf(row, now),
    ...namespaceLinks(row.Pid),
    MarshalJSON: () => documentOf(row, { CreatedAt: "" }),
  }),
})

export const ps: CliCommand = {
  name: "ps",
  short: "List containers",
  long: "Prints out information about the containers",
  use: "[options]",
  example: "cryopod ps -a\ncryopod ps -a --format '{{.ID}} {{.Image}} {{.Status}}'\ncryopod ps --filter status=exited",
  flags: { ...flagTable(ListFlags), ...formatFlags },
  args: noArgs,
  handler: (call) =>
    Effect.gen(function* () {
      const options = optionsOf(ListFlags, call)
      const { "no-trunc": noTrunc, noheading, ns, pod: pods, quiet, sort } = valuesOf(call, formatFlags)
      const format = givenFormat(call)
      if (options.last >= 0 && options.latest) return yield* refuse("last and latest are mutually exclusive")
      if (quiet && (options.size || ns)) return yield* refuse("quiet conflicts with size and namespace")
      if (options.size && ns) return yield* refuse("size and namespace options conflict")
      const order = sorting[sort as keyof typeof sorting]
      // none of the last is no restriction
      const last = options.last === 0 ? -1 : options.last
      const newestFirst = yield* (yield* ContainerEngine).list({ ...options, last })
      const rows = newestFirst.toReversed().toSorted(order)
      if (quiet && format === undefined) {
        yield* writeOut(rows.map(({ Id }) => `${noTrunc ? Id : Id.slice(0, shortId)}\n`).join(""))
        return 0
      }
      const now = yield* Clock.currentTimeMillis
      const complaints: Array<string> = []
      const complain = (text: string) => void complaints.push(text)
      const columns = { complain, now, noTrunc, pods, size: options.size, namespaces: ns }
      yield* printRows(rows, summaryFormat(columns), { format, noHeading: noheading })
      yield* Effect.forEach(complaints, printComplaint, { discard: true })
      return 0
    }),
}
